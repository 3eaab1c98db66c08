// Softmax and LogSoftmax over rows.
//
//   dst[r, c] = exp(src[r, c] - m) / sum_c exp(src[r, c] - m)          m = max of row r
//   dst[r, c] = src[r, c] - m - log(sum_c exp(src[r, c] - m))          log variant
//
// src and dst are [rows, cols] with the given row strides in elements; dst may be src. A row with a NaN becomes all NaN.
// rows or cols may be 0. No alignment is needed. The sum has sixteen partial sums, folded by halves.
#pragma once

#include <cstdint>

#include "kernels/core/table.h"

namespace adze {

using SoftmaxRowsFn = void (*)(const float* src, std::int64_t src_stride, float* dst, std::int64_t dst_stride,
                               std::int64_t rows, std::int64_t cols, bool log);

extern const KernelTable<SoftmaxRowsFn> softmax_rows_f32;

}  // namespace adze
