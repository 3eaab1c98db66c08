// One inference between the connection and the queue: from a body to a job, and from a finished job to the answer's
// bytes, in the formats that the request's head names. Needs no loop, so that what takes long can be done elsewhere.
#pragma once

#include "server/codec/codec.h"
#include "server/codec/inference_head.h"

namespace adze::server {

// Decodes a request's body. `keep`, when given, is what `bytes` are part of. Error resource_limit for a compressed body
// of more than `most` bytes.
Result<InferRequest> decode_inference(const InferenceHead& head, std::string_view bytes,
                                      std::shared_ptr<const void> keep, const ServedModel& model, Decoder& decoder,
                                      std::size_t most);

// Whether decoding a body of so many bytes takes longer than a loop with other clients can spare.
bool is_long_body(const InferenceHead& head, std::size_t bytes);
// Whether the request's answer does.
bool is_long_answer(const InferenceHead& head, const InferRequest& request);

// Whether the request wants an answer in a format that the client doesn't accept.
bool is_unacceptable(const InferenceHead& head, const InferRequest& request);

struct Answer {
  int status = 200;
  std::string bytes;  // head and body
};
// The answer of a job without error.
Answer write_answer(const InferenceHead& head, const InferRequest& request, const ServedModel& model, bool keep_alive);

}  // namespace adze::server
