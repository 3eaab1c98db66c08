// Pooling of channels-last f32 images.
//
//   max_pool_f32       dst[n, y, x, c] = max over the window's elements inside the source; NaN when one is
//   average_pool_f32   dst[n, y, x, c] = sum over the elements inside / count
//
// count is the number of elements inside, or, with count_include_pad, of those inside the source or its padding (the
// part of a window that hangs over the end in ceil mode never counts). Every window covers at least one element of
// source or padding; without any element inside, max is -inf and the average NaN, or 0 when padding counts.
// Source pixels are geometry.ic_pitch floats apart.
#pragma once

#include "kernels/conv/geometry.h"
#include "kernels/core/table.h"

namespace adze {

struct PoolArgs {
  ConvGeometry geometry;
  Spatial pad_end;
  bool count_include_pad;
  const float* src;
  float* dst;
  std::int64_t dst_pitch = 0;  // pixel_pitch
};

// Computes the output pixels [pixels.begin, pixels.end) of n * volume(out).
using PoolFn = void (*)(const PoolArgs& args, Range pixels);

extern const KernelTable<PoolFn> max_pool_f32;
extern const KernelTable<PoolFn> average_pool_f32;

// The window of an output position along one axis.
struct Span1 {
  std::int64_t begin, end;  // inside the source, in elements; counted by `step`
  std::int64_t counted;     // elements inside the source or its padding
};
// Static, so that each variant has its own copy.
static inline Span1 window_span(std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                                std::int64_t pad, std::int64_t pad_end, std::int64_t in) {
  const auto steps = [dilation](std::int64_t n) { return dilation == 1 ? n : (n + dilation - 1) / dilation; };
  const std::int64_t start = out * stride - pad;
  Span1 span{start, start + kernel * dilation, 0};
  if (span.begin < 0) span.begin += steps(-span.begin) * dilation;
  if (span.end > in) span.end = in;
  const std::int64_t room = in + pad_end - start;  // from the first element to the padding's end
  span.counted = room <= 0 ? 0 : steps(room);
  if (span.counted > kernel) span.counted = kernel;
  return span;
}

// What an average divides by. In double: the product of three hostile kernel sizes leaves 64 bits.
static inline double window_count(const Span1* spans, std::int64_t inside, bool count_include_pad) {
  if (!count_include_pad) return static_cast<double>(inside);
  return static_cast<double>(spans[0].counted) * static_cast<double>(spans[1].counted) *
         static_cast<double>(spans[2].counted);
}

}  // namespace adze
