// How a product is gone through: what may be chosen freely, because no output's bytes depend on it.
#pragma once

#include <cstdint>

namespace adze {

// What threads share out; by_shape: what moves less memory.
enum class Share : std::uint8_t { by_shape, rows, panels };

inline bool shares_panels(Share share, bool by_shape) {
  return share == Share::by_shape ? by_shape : share == Share::panels;
}

constexpr int kRowBlocks[] = {48, 24, 96};  // the usual one first

struct GemmOrder {
  Share share = Share::by_shape;
  int row_block = kRowBlocks[0];  // about as many rows pass over all panels together; one of kRowBlocks

  bool operator==(const GemmOrder&) const = default;
};

}  // namespace adze
