#include "kernels/core/lanes.h"
#include "kernels/core/math.h"
#include "kernels/norm/norm.h"

namespace adze::ADZE_TARGET {

// The row goes between zeros first, so that no window needs a bound.
void lrn_rows(const LrnArgs& args, const float* src, float* dst, std::int64_t rows, std::int64_t cols) {
  const std::int64_t window = args.before + 1 + args.after;
  std::memset(args.padded, 0, static_cast<std::size_t>(cols + args.before + args.after) * sizeof(float));
  for (std::int64_t r = 0; r < rows; r++, src += cols, dst += cols) {
    std::memcpy(args.padded + args.before, src, static_cast<std::size_t>(cols) * sizeof(float));
    for_blocks(cols, [&](std::int64_t c, int lanes) {
      f32x16 squares = splat(0.0f);
      for (std::int64_t i = 0; i < window; i++) {
        const f32x16 x = load_lanes(args.padded + c + i, lanes);
        squares = fma(x, x, squares);
      }
      const f32x16 base = fma(splat(args.alpha), squares, splat(args.bias)), x = load_lanes(src + c, lanes);
      const f32x16 root = sqrt(base);
      const f32x16 y = args.beta == 0.75f ? x / (root * sqrt(root)) : x * exp(splat(-args.beta) * log(base));
      store_lanes(dst + c, y, lanes);
    });
  }
}

}  // namespace adze::ADZE_TARGET
