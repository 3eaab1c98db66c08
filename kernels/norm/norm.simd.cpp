#include "kernels/norm/norm.h"

#include <cmath>

#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {

void scale_shift(const float* src, std::int64_t src_pitch, const float* scale, const float* shift, float* dst,
                 std::int64_t rows, std::int64_t cols) {
  for (std::int64_t r = 0; r < rows; r++, src += src_pitch, dst += cols) {
    for_blocks(cols, [&](std::int64_t c, int lanes) {
      store_lanes(dst + c, fma(load_lanes(src + c, lanes), load_lanes(scale + c, lanes), load_lanes(shift + c, lanes)),
                  lanes);
    });
  }
}

void norm_rows(const NormArgs& args, const float* src, float* dst, std::int64_t rows, std::int64_t cols) {
  const auto n = static_cast<float>(cols);
  for (std::int64_t r = 0; r < rows; r++, src += cols, dst += cols) {
    f32x16 total = splat(0.0f);
    for_blocks(cols, [&](std::int64_t c, int lanes) { total = total + load_lanes(src + c, lanes); });
    const float mean = sum(total) / n;
    f32x16 squares = splat(0.0f);
    for_blocks(cols, [&](std::int64_t c, int lanes) {
      const f32x16 d = keep_lanes(load_lanes(src + c, lanes) - splat(mean), lanes, 0.0f);
      squares = fma(d, d, squares);
    });
    const float inverse = 1.0f / std::sqrt(sum(squares) / n + args.epsilon);
    for_blocks(cols, [&](std::int64_t c, int lanes) {
      f32x16 y = (load_lanes(src + c, lanes) - splat(mean)) * splat(inverse);
      if (args.scale) y = y * load_lanes(args.scale + c, lanes);
      if (args.shift) y = y + load_lanes(args.shift + c, lanes);
      store_lanes(dst + c, y, lanes);
    });
    if (args.mean) args.mean[r] = mean;
    if (args.inv_std_dev) args.inv_std_dev[r] = inverse;
  }
}

void deviation(const float* src, const float* mean, float* dst, std::int64_t rows, std::int64_t cols) {
  for_blocks(cols, [&](std::int64_t c, int lanes) {
    const f32x16 m = load_lanes(mean + c, lanes);
    f32x16 squares = splat(0.0f);
    for (std::int64_t r = 0; r < rows; r++) {
      const f32x16 d = load_lanes(src + r * cols + c, lanes) - m;
      squares = fma(d, d, squares);
    }
    store_lanes(dst + c, squares, lanes);
  });
}

}  // namespace adze::ADZE_TARGET
