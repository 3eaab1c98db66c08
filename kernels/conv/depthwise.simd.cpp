#include "kernels/conv/depthwise.h"

#include "kernels/core/activate.h"

namespace adze::ADZE_TARGET {
namespace {

constexpr std::int64_t kPixels = 7;  // outputs computed together: seven chains hide the multiply-add's latency

// What one output row needs: where its kernel rows lie, and which kernel columns are inside for the first pixel.
struct Row {
  const float* src;  // source image
  const DepthwiseArgs* args;
  std::int64_t z, y;   // source position of kernel element (0, 0), may be outside
  std::int64_t pitch;  // floats of c rounded up to 16: between kernel elements
};

// `count` neighbouring outputs from x on, for the channels [c, c + lanes). With Checked, columns may be outside.
template <int Count, bool Checked>
ADZE_INLINE void pixels(const Row& row, std::int64_t x, std::int64_t c, int lanes, f32x16 (&acc)[Count]) {
  const ConvGeometry& g = row.args->geometry;
  const float* weights = row.args->weights + c;
  for (std::int64_t kz = 0; kz < g.kernel[0]; kz++) {
    const std::int64_t sz = row.z + kz * g.dilation[0];
    for (std::int64_t ky = 0; ky < g.kernel[1]; ky++) {
      const std::int64_t sy = row.y + ky * g.dilation[1];
      if (sz < 0 || sz >= g.in[0] || sy < 0 || sy >= g.in[1]) continue;
      const float* line = row.src + (sz * g.in[1] + sy) * g.in[2] * g.ic_pitch + c;
      const float* w = weights + (kz * g.kernel[1] + ky) * g.kernel[2] * row.pitch;
      std::int64_t sx = x * g.stride[2] - g.pad[2];
      for (std::int64_t kx = 0; kx < g.kernel[2]; kx++, w += row.pitch, sx += g.dilation[2]) {
        const f32x16 weight = load(w);
        ADZE_UNROLL for (int i = 0; i < Count; i++) {
          const std::int64_t column = sx + i * g.stride[2];
          if (Checked && (column < 0 || column >= g.in[2])) continue;
          const float* p = line + column * g.ic_pitch;
          acc[i] = fma(lanes == kLanes ? load(p) : load_partial(p, lanes), weight, acc[i]);
        }
      }
    }
  }
}

template <int Count, bool Checked>
ADZE_INLINE void block(const Row& row, std::int64_t x, std::int64_t c, int lanes, std::int64_t out) {
  const DepthwiseArgs& a = *row.args;
  f32x16 acc[Count];
  const f32x16 start = a.bias ? load(a.bias + c) : splat(0.0f);
  ADZE_UNROLL for (int i = 0; i < Count; i++) acc[i] = start;
  pixels<Count, Checked>(row, x, c, lanes, acc);
  const std::int64_t channels = a.geometry.ic;
  if (a.residual) {
    ADZE_UNROLL for (int i = 0; i < Count; i++) {
      acc[i] = acc[i] + load_partial(a.residual + (out + i) * channels + c, lanes);
    }
  }
  with_activation(a.activation.kind, [&](auto kind) {
    for (int i = 0; i < Count; i++) {
      store_partial(a.dst + (out + i) * channels + c, activate<kind()>(acc[i], a.activation.alpha, a.activation.beta),
                    lanes);
    }
  });
}

// The outputs [first, last) read no column outside the source.
Range interior(const ConvGeometry& g) {
  const std::int64_t stride = g.stride[2], reach = (g.kernel[2] - 1) * g.dilation[2];
  const std::int64_t first = (g.pad[2] + stride - 1) / stride;
  const std::int64_t room = g.in[2] - 1 - reach + g.pad[2];
  const std::int64_t last = room < 0 ? 0 : room / stride + 1;
  const std::int64_t end = last < g.out[2] ? last : g.out[2];
  return first < end ? Range{first, end} : Range{0, 0};
}

}  // namespace

void depthwise_rows(const DepthwiseArgs& args, Range rows) {
  const ConvGeometry& g = args.geometry;
  const Range safe = interior(g);
  const std::int64_t pitch = (g.ic + kLanes - 1) / kLanes * kLanes;
  for (std::int64_t r = rows.begin; r < rows.end; r++) {
    const std::int64_t y = r % g.out[1], z = r / g.out[1] % g.out[0], image = r / g.out[1] / g.out[0];
    const Row row{args.src + image * volume(g.in) * g.ic_pitch, &args, z * g.stride[0] - g.pad[0],
                  y * g.stride[1] - g.pad[1], pitch};
    for (std::int64_t c = 0; c < g.ic; c += kLanes) {
      const int lanes = static_cast<int>(g.ic - c < kLanes ? g.ic - c : kLanes);
      const std::int64_t out = r * g.out[2];
      std::int64_t x = 0;
      for (; x < safe.begin; x++) block<1, true>(row, x, c, lanes, out + x);
      for (; x + kPixels <= safe.end; x += kPixels) block<kPixels, false>(row, x, c, lanes, out + x);
      for (; x < safe.end; x++) block<1, false>(row, x, c, lanes, out + x);
      for (; x < g.out[2]; x++) block<1, true>(row, x, c, lanes, out + x);
    }
  }
}

}  // namespace adze::ADZE_TARGET
