// The ways to compute one layer, for the families that time them and for the check of the choice between them. Each on
// the best rows that `isa` allows.
#pragma once

#include <memory>

#include "bench/kernels/family.h"
#include "bench/kernels/shapes.h"

namespace adze::bench {

// As an indirect GEMM.
std::unique_ptr<Job> indirect_conv(const ConvShape& s, Isa isa);
// With 2 or 4 outputs of a tile along each axis.
std::unique_ptr<Job> winograd_conv(const ConvShape& s, int outputs, Isa isa);

}  // namespace adze::bench
