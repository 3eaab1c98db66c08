#include "kernels/resize/resize.h"

#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

// One pixel's channels from `count` neighbouring pixels.
ADZE_INLINE void blend_pixels(const float* src, const float* weights, std::int64_t count, float* dst,
                              std::int64_t inner) {
  for_blocks(inner, [&](std::int64_t c, int lanes) {
    f32x16 acc = splat(weights[0]) * load_lanes(src + c, lanes);
    for (std::int64_t t = 1; t < count; t++) acc = fma(splat(weights[t]), load_lanes(src + t * inner + c, lanes), acc);
    store_lanes(dst + c, acc, lanes);
  });
}

}  // namespace

void blend_rows(const float* const* rows, const float* weights, std::int64_t count, float* dst, std::int64_t n) {
  for_blocks(n, [&](std::int64_t i, int lanes) {
    f32x16 acc = splat(weights[0]) * load_lanes(rows[0] + i, lanes);
    for (std::int64_t t = 1; t < count; t++) acc = fma(splat(weights[t]), load_lanes(rows[t] + i, lanes), acc);
    store_lanes(dst + i, acc, lanes);
  });
}

void resize_row(const ResizeTap* taps, const float* weights, float fill, const float* src, float* dst,
                std::int64_t dst_pitch, std::int64_t pixels, std::int64_t inner) {
  for (std::int64_t x = 0; x < pixels; x++, dst += dst_pitch) {
    const ResizeTap& tap = taps[x];
    if (tap.count == 0) {
      for_blocks(inner, [&](std::int64_t c, int lanes) { store_lanes(dst + c, splat(fill), lanes); });
    } else if (inner == 1) {
      const float* w = weights + tap.weight;
      float acc = w[0] * src[tap.first];
      for (std::int64_t t = 1; t < tap.count; t++) acc = __builtin_fmaf(w[t], src[tap.first + t], acc);
      *dst = acc;
    } else {
      blend_pixels(src + tap.first * inner, weights + tap.weight, tap.count, dst, inner);
    }
  }
}

}  // namespace adze::ADZE_TARGET
