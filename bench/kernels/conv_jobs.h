// The ways to compute one layer, for the families that time them and for the choice between them.
#pragma once

#include <memory>

#include "bench/kernels/family.h"
#include "bench/kernels/shapes.h"

namespace adze::bench {

// With 2 or 4 outputs of a tile along each axis, on the best tables' rows that `isa` allows.
std::unique_ptr<Job> winograd_conv(const ConvShape& s, int outputs, Isa isa);

}  // namespace adze::bench
