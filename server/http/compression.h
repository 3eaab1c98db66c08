// The content encodings gzip (RFC 1952) and deflate, which is the zlib format (RFC 1950).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "graph/core/result.h"
#include "server/http/negotiation.h"

namespace adze::server {

// Bounds on what a compressed body may become.
struct InflateLimits {
  std::size_t bytes = std::size_t{64} << 20;
  std::size_t ratio = 100;                  // of the size before, for what goes beyond `free`
  std::size_t free = std::size_t{1} << 20;  // allowed at any ratio: a tensor of zeros is no attack
};

// The decoded body. Error resource_limit above the limits, bad_input for anything but whole streams.
Result<std::string> inflated(std::string_view body, Encoding encoding, const InflateLimits& limits);

// The pieces behind one another, encoded.
std::string deflated(std::span<const std::string_view> pieces, Encoding encoding);

}  // namespace adze::server
