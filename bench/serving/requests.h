// The requests that a load is made of: a few dozen of one shape with different numbers, rendered beforehand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace adze::bench {

struct RequestOptions {
  std::string path = "/predict";
  std::int64_t features = 64;             // of a /predict body
  std::string tensor = {};                // "NAME=1x3x224x224": an Open Inference Protocol body of FP32 instead
  bool binary = false;                    // with its binary tensor extension, in both directions
  std::string body_file = {};             // this body instead
  std::vector<std::string> headers = {};  // "Name: value"
  int variants = 64;
};

// Empty when the options don't fit together; `trouble` then says why.
std::vector<std::string> render_requests(const RequestOptions& options, std::string& trouble);

}  // namespace adze::bench
