#include "kernels/softmax/softmax.h"

#include "kernels/core/lanes.h"
#include "kernels/core/math.h"

namespace adze::ADZE_TARGET {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

float row_max(const float* row, std::int64_t cols) {
  f32x16 m = splat(kMinusInfinity);
  for_blocks(cols, [&](std::int64_t c, int lanes) {
    m = max(m, keep_lanes(load_lanes(row + c, lanes), lanes, kMinusInfinity));
  });
  return max_of(m);
}

}  // namespace

// A NaN may be lost from the maximum, but exp(m - NaN) brings it into the sum.
void softmax_rows(const float* src, std::int64_t src_stride, float* dst, std::int64_t dst_stride, std::int64_t rows,
                  std::int64_t cols, bool log_of) {
  for (std::int64_t r = 0; r < rows; r++, src += src_stride, dst += dst_stride) {
    const f32x16 m = splat(row_max(src, cols));
    f32x16 total = splat(0.0f);
    for_blocks(cols, [&](std::int64_t c, int lanes) {
      const f32x16 e = exp_decay(m - load_lanes(src + c, lanes));
      total = total + keep_lanes(e, lanes, 0.0f);
      if (!log_of) store_lanes(dst + c, e, lanes);
    });
    const f32x16 s = splat(sum(total));
    if (log_of) {
      const f32x16 log_sum = log(s);
      for_blocks(cols, [&](std::int64_t c, int lanes) {
        store_lanes(dst + c, (load_lanes(src + c, lanes) - m) - log_sum, lanes);
      });
    } else {
      const f32x16 scale = splat(1.0f) / s;
      for_blocks(cols,
                 [&](std::int64_t c, int lanes) { store_lanes(dst + c, load_lanes(dst + c, lanes) * scale, lanes); });
    }
  }
}

void softmax_columns(const float* src, float* dst, std::int64_t stride, std::int64_t r, std::int64_t cols,
                     bool log_of) {
  for_blocks(cols, [&](std::int64_t c, int lanes) {
    f32x16 m = splat(kMinusInfinity);
    for (std::int64_t i = 0; i < r; i++) m = max(m, load_lanes(src + i * stride + c, lanes));
    f32x16 total = splat(0.0f);
    for (std::int64_t i = 0; i < r; i++) {
      const f32x16 e = exp_decay(m - load_lanes(src + i * stride + c, lanes));
      total = total + e;
      if (!log_of) store_lanes(dst + i * stride + c, e, lanes);
    }
    const f32x16 log_sum = log(total), scale = splat(1.0f) / total;
    for (std::int64_t i = 0; i < r; i++) {
      const f32x16 y = log_of ? (load_lanes(src + i * stride + c, lanes) - m) - log_sum
                              : load_lanes(dst + i * stride + c, lanes) * scale;
      store_lanes(dst + i * stride + c, y, lanes);
    }
  });
}

}  // namespace adze::ADZE_TARGET
