// What the machine can do at most: the yardstick of benchmarks and `adze hw`.
#pragma once

#include <cstdint>

#include "kernels/core/table.h"

namespace adze {

// Runs `rounds` of independent chains of fused multiply-adds in registers; returns the floating-point operations done.
// `sink` receives a value that depends on all of them.
using FmaPeakFn = std::int64_t (*)(std::int64_t rounds, float* sink);

extern const KernelTable<FmaPeakFn> fma_peak_f32;

}  // namespace adze
