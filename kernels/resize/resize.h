// Resampling of f32 images by weighted sums: first whole rows into one, then neighbouring pixels of that row.
//
//   blend_rows_f32   dst[i] = sum_t weights[t] rows[t][i]                                   i < n, count >= 1
//   resize_row_f32   dst[x, c] = sum_t weights[taps[x].weight + t] src[taps[x].first + t, c]   t < taps[x].count
//
// The sums are one fused multiply-add per tap, in order. A position without taps receives `fill`. src and dst rows are
// [pixels, inner] with inner contiguous, the pixels of resize_row's dst dst_pitch apart; dst must not overlap them. n,
// pixels and inner may be 0. NaN in a source element that has a tap, even of weight 0, makes the result NaN.
#pragma once

#include <cstdint>

#include "kernels/core/table.h"

namespace adze {

// The source elements of one output position along one axis: neighbours, each with a weight.
struct ResizeTap {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t weight = 0;  // index of the first weight
};

using BlendRowsFn = void (*)(const float* const* rows, const float* weights, std::int64_t count, float* dst,
                             std::int64_t n);
using ResizeRowFn = void (*)(const ResizeTap* taps, const float* weights, float fill, const float* src, float* dst,
                             std::int64_t dst_pitch, std::int64_t pixels, std::int64_t inner);

extern const KernelTable<BlendRowsFn> blend_rows_f32;
extern const KernelTable<ResizeRowFn> resize_row_f32;

}  // namespace adze
