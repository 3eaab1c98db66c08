// Packed B with a factor for each of its rows: what a matrix product needs whose A is multiplied by one factor per
// column.
#pragma once

#include "kernels/gemm/gemm.h"

namespace adze {

// dst = b with row k multiplied by scale[k]; both are packed.
struct ScaleArgs {
  const float* b;
  const float* scale;
  float* dst;
  std::int64_t k, n;
  int max_blocks;
};
using ScaleFn = void (*)(const ScaleArgs& args);

extern const KernelTable<ScaleFn> scale_b_f32;

}  // namespace adze
