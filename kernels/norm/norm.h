// Normalisations of f32.
//
//   scale_shift_f32   dst[r, c] = src[r, c] scale[c] + shift[c], one fused multiply-add
//   norm_rows_f32     dst[r, c] = (src[r, c] - mean_r) / sqrt(var_r + epsilon) scale[c] + shift[c]
//   deviation_f32     dst[c] = sum_r (src[r, c] - mean[c])^2, in order
//   lrn_rows_f32      dst[r, c] = src[r, c] / (bias + alpha sum_i src[r, i]^2)^beta, c - before <= i <= c + after
//
// norm_rows takes mean and variance of each row (biased, in two passes of sixteen partial sums); scale and shift may be
// null (1 and 0), as may mean and inv_std_dev, which receive one value per row. dst may be src. Rows are contiguous,
// but for those of scale_shift's source, which are src_pitch floats apart; then dst is another place.
#pragma once

#include <cstdint>

#include "kernels/core/table.h"

namespace adze {

using ScaleShiftFn = void (*)(const float* src, std::int64_t src_pitch, const float* scale, const float* shift,
                              float* dst, std::int64_t rows, std::int64_t cols);

struct NormArgs {
  const float* scale;
  const float* shift;
  float epsilon;
  float* mean;
  float* inv_std_dev;
};
using NormRowsFn = void (*)(const NormArgs& args, const float* src, float* dst, std::int64_t rows, std::int64_t cols);

using DeviationFn = void (*)(const float* src, const float* mean, float* dst, std::int64_t rows, std::int64_t cols);

// The sum takes one fused multiply-add per element of the window, in order. For beta = 0.75 the power is two exact
// square roots; otherwise exp(-beta log), which loses as many ulps as its exponent is large.
struct LrnArgs {
  std::int64_t before, after;
  float alpha, beta, bias;
  float* padded;  // working space of cols + before + after elements
};
using LrnRowsFn = void (*)(const LrnArgs& args, const float* src, float* dst, std::int64_t rows, std::int64_t cols);

extern const KernelTable<ScaleShiftFn> scale_shift_f32;
extern const KernelTable<NormRowsFn> norm_rows_f32;
extern const KernelTable<DeviationFn> deviation_f32;
extern const KernelTable<LrnRowsFn> lrn_rows_f32;

}  // namespace adze
