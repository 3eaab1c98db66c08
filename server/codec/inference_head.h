// What the head of an inference request says: which model is meant, and in which format the bodies are.
#pragma once

#include <optional>
#include <string>

#include "server/http/negotiation.h"
#include "server/http/request.h"

namespace adze::server {

enum class Route { predict, infer };

struct InferenceHead {
  Route route = Route::predict;
  std::string model, version;  // empty: the default, and any
  Encoding content = Encoding::identity, accepted = Encoding::identity;
  // Of Inference-Header-Content-Length: how much of the body is JSON, binary tensors being behind it. 0: none of it,
  // the body is the one input's bytes.
  std::optional<std::size_t> json_bytes;
  bool accepts_json = true, accepts_binary = true;

  // Why the request can't be answered as it is; 0: it can.
  int refusal = 0;
  std::string reason;
  std::string_view refusal_fields;  // lines for the refusal's head
};

// "%41" as "A"; what is no escape stays.
std::string percent_decoded(std::string_view text);

// Nothing where the path is no inference route.
std::optional<InferenceHead> inference_head(const Request& request);

}  // namespace adze::server
