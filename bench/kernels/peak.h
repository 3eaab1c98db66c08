// The yardstick of every timing.
#pragma once

#include "kernels/core/isa.h"

namespace adze::bench {

// The floating-point operations a second that this core reaches in registers with the best kernel of `isa`. Measured at
// the first call, the same afterwards.
double fma_peak(Isa isa);

}  // namespace adze::bench
