#include <cmath>

#include "kernels/core/math.h"

namespace adze::ADZE_TARGET {
namespace {

// Applies f(value, column, lanes) to the row in blocks of sixteen, the last one partial.
template <class F>
ADZE_INLINE void for_blocks(const float* row, std::int64_t cols, F f) {
  std::int64_t c = 0;
  for (; c + kLanes <= cols; c += kLanes) f(load(row + c), c, kLanes);
  if (c < cols) f(load_partial(row + c, static_cast<int>(cols - c)), c, static_cast<int>(cols - c));
}

ADZE_INLINE f32x16 keep_lanes(const f32x16& a, int lanes, float rest) {
  alignas(64) float x[kLanes];
  store(x, a);
  for (int i = lanes; i < kLanes; i++) x[i] = rest;
  return load(x);
}

float row_max(const float* row, std::int64_t cols) {
  f32x16 m = splat(-std::numeric_limits<float>::infinity());
  for_blocks(row, cols, [&](const f32x16& x, std::int64_t, int lanes) {
    m = max(m, lanes == kLanes ? x : keep_lanes(x, lanes, -std::numeric_limits<float>::infinity()));
  });
  return max_of(m);
}

}  // namespace

void softmax_rows(const float* src, std::int64_t src_stride, float* dst, std::int64_t dst_stride, std::int64_t rows,
                  std::int64_t cols, bool log) {
  for (std::int64_t r = 0; r < rows; r++, src += src_stride, dst += dst_stride) {
    const f32x16 m = splat(row_max(src, cols));
    f32x16 total = splat(0.0f);
    for_blocks(src, cols, [&](const f32x16& x, std::int64_t c, int lanes) {
      const f32x16 e = exp(x - m);
      total = total + (lanes == kLanes ? e : keep_lanes(e, lanes, 0.0f));
      if (!log) store_partial(dst + c, e, lanes);
    });
    const float s = sum(total);
    if (log) {
      const f32x16 shift = m + splat(std::log(s));
      for_blocks(src, cols, [&](const f32x16& x, std::int64_t c, int lanes) { store_partial(dst + c, x - shift, lanes); });
    } else {
      for_blocks(dst, cols, [&](const f32x16& e, std::int64_t c, int lanes) {
        store_partial(dst + c, e / splat(s), lanes);
      });
    }
  }
}

}  // namespace adze::ADZE_TARGET
