// How a node is run, as far as that may be chosen freely: whatever a Choice says, the bytes are the same. A default one
// leaves everything to the shape.
#pragma once

#include <optional>

#include "kernels/core/isa.h"
#include "kernels/gemm/order.h"

namespace adze {

struct Choice {
  std::optional<Isa> isa;  // no variant above it
  int parts = 0;           // threads that take part, as far as there are so many; 0: by the work
  GemmOrder order;

  bool operator==(const Choice&) const = default;
};

}  // namespace adze
