// Softmax and LogSoftmax of f32.
//
//   y = exp(x - m) / sum exp(x - m)          m = the maximum of the elements that are normalised together
//   y = (x - m) - log(sum exp(x - m))        log variant
//
//   softmax_rows_f32      over each row of [rows, cols]; the sum has sixteen partial sums, folded by halves
//   softmax_columns_f32   over each column of [r, cols], whose rows lie `stride` elements apart; summed in order
//
// Strides are in elements. dst may be src. One NaN, or nothing but -inf, makes all that is normalised with it NaN.
// Sizes may be 0. No alignment is needed.
#pragma once

#include <cstdint>

#include "kernels/core/table.h"

namespace adze {

using SoftmaxRowsFn = void (*)(const float* src, std::int64_t src_stride, float* dst, std::int64_t dst_stride,
                               std::int64_t rows, std::int64_t cols, bool log);
using SoftmaxColumnsFn = void (*)(const float* src, float* dst, std::int64_t stride, std::int64_t r, std::int64_t cols,
                                  bool log);

extern const KernelTable<SoftmaxRowsFn> softmax_rows_f32;
extern const KernelTable<SoftmaxColumnsFn> softmax_columns_f32;

}  // namespace adze
