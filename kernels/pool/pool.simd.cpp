#include "kernels/pool/pool.h"

#include <limits>

#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

template <class Step, class Finish>
ADZE_INLINE void pool(const PoolArgs& args, Range pixels, float start, Step step, Finish finish) {
  const ConvGeometry& g = args.geometry;
  for (std::int64_t p = pixels.begin; p < pixels.end; p++) {
    const std::int64_t x = p % g.out[2], y = p / g.out[2] % g.out[1], z = p / g.out[2] / g.out[1] % g.out[0];
    const float* image = args.src + p / volume(g.out) * volume(g.in) * g.ic_pitch;
    Span1 s[kSpatial];
    const std::int64_t position[kSpatial] = {z, y, x};
    for (std::size_t a = 0; a < kSpatial; a++) {
      s[a] = window_span(position[a], g.kernel[a], g.stride[a], g.dilation[a], g.pad[a], args.pad_end[a], g.in[a]);
    }
    std::int64_t inside = 0;
    for (std::int64_t c = 0; c < g.ic; c += kLanes) {
      const int lanes = static_cast<int>(g.ic - c < kLanes ? g.ic - c : kLanes);
      f32x16 acc = splat(start);
      inside = 0;
      for (std::int64_t iz = s[0].begin; iz < s[0].end; iz += g.dilation[0]) {
        for (std::int64_t iy = s[1].begin; iy < s[1].end; iy += g.dilation[1]) {
          const float* line = image + (iz * g.in[1] + iy) * g.in[2] * g.ic_pitch + c;
          for (std::int64_t ix = s[2].begin; ix < s[2].end; ix += g.dilation[2], inside++) {
            acc = step(acc, load_lanes(line + ix * g.ic_pitch, lanes));
          }
        }
      }
      const double count = window_count(s, inside, args.count_include_pad);
      store_lanes(args.dst + p * g.ic + c, finish(acc, static_cast<float>(count)), lanes);
    }
  }
}

}  // namespace

void max_pool(const PoolArgs& args, Range pixels) {
  pool(
      args, pixels, -std::numeric_limits<float>::infinity(),
      [](const f32x16& a, const f32x16& x) { return max_nan(a, x); }, [](const f32x16& a, float) { return a; });
}

void average_pool(const PoolArgs& args, Range pixels) {
  pool(
      args, pixels, 0.0f, [](const f32x16& a, const f32x16& x) { return a + x; },
      [](const f32x16& a, float count) { return a / splat(count); });
}

}  // namespace adze::ADZE_TARGET
