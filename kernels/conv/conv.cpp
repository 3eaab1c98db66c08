#include "kernels/conv/conv.h"

#include "kernels/conv/depthwise.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, depthwise_rows, const DepthwiseArgs&, Range)

namespace {

bool inside(std::int64_t position, std::int64_t size) { return position >= 0 && position < size; }

constexpr Variant<DepthwiseFn> kDepthwise[] = ADZE_VARIANTS(depthwise_rows);

}  // namespace
constinit const KernelTable<DepthwiseFn> depthwise_f32{"depthwise_f32", kDepthwise};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<depthwise_f32>};
}
extern const std::span<const KernelInfo> kernels_conv;
constinit const std::span<const KernelInfo> kernels_conv{kInfos};

void conv_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride) {
  const auto& conv = *static_cast<const ConvRows*>(context);
  const ConvGeometry& g = *conv.geometry;
  std::int64_t x = rows.begin % g.out[2], rest = rows.begin / g.out[2];
  std::int64_t y = rest % g.out[1];
  rest /= g.out[1];
  std::int64_t z = rest % g.out[0], image = rest / g.out[0];
  for (std::int64_t i = 0; i < rows.size(); i++) {
    const float* base = conv.src + image * volume(g.in) * g.ic_pitch;
    const std::int64_t sz = z * g.stride[0] - g.pad[0], sy = y * g.stride[1] - g.pad[1],
                       sx = x * g.stride[2] - g.pad[2];
    for (std::int64_t t = taps.begin; t < taps.end; t++) {
      const std::int64_t kx = t % g.kernel[2], kyz = t / g.kernel[2];
      const std::int64_t pz = sz + kyz / g.kernel[1] * g.dilation[0], py = sy + kyz % g.kernel[1] * g.dilation[1];
      const std::int64_t px = sx + kx * g.dilation[2];
      const bool read = inside(pz, g.in[0]) && inside(py, g.in[1]) && inside(px, g.in[2]);
      out[(t - taps.begin) * stride + i] = read ? base + ((pz * g.in[1] + py) * g.in[2] + px) * g.ic_pitch : conv.zeros;
    }
    if (++x < g.out[2]) continue;
    x = 0;
    if (++y < g.out[1]) continue;
    y = 0;
    if (++z < g.out[0]) continue;
    z = 0;
    image++;
  }
}

bool phase_of(const ConvGeometry& g, int axis, std::int64_t residue, Phase& phase) {
  const auto a = static_cast<std::size_t>(axis);
  const std::int64_t stride = g.stride[a], dilation = g.dilation[a];
  // Output position o receives kernel element k from source (o + pad - k * dilation) / stride, where that divides.
  const std::int64_t first = ((residue - g.pad[a]) % stride + stride) % stride;
  if (first >= g.out[a]) return false;
  phase.first[a] = first;
  phase.count[a] = (g.out[a] - first + stride - 1) / stride;
  std::int64_t k = 0;
  while (k < g.kernel[a] && k < stride && (residue - k * dilation) % stride != 0) k++;
  std::int64_t step = 1;
  while (step * dilation % stride != 0) step++;
  const bool none = k >= g.kernel[a] || (residue - k * dilation) % stride != 0;
  phase.tap_first[a] = none ? 0 : k;
  phase.taps[a] = none ? 0 : (g.kernel[a] - k + step - 1) / step;
  phase.tap_step[a] = step;
  phase.origin[a] = none ? 0 : (first + g.pad[a] - k * dilation) / stride;
  phase.source_step[a] = -(step * dilation / stride);
  return true;
}

void phase_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride) {
  const auto& r = *static_cast<const PhaseRows*>(context);
  const ConvGeometry& g = *r.geometry;
  const Phase& p = *r.phase;
  const float* base = r.src + r.image * volume(g.in) * g.ic_pitch;
  for (std::int64_t t = taps.begin; t < taps.end; t++) {
    const std::int64_t kx = t % p.taps[2], kyz = t / p.taps[2];
    const std::int64_t sz = p.origin[0] + r.d + kyz / p.taps[1] * p.source_step[0];
    const std::int64_t sy = p.origin[1] + r.h + kyz % p.taps[1] * p.source_step[1];
    const bool row_inside = inside(sz, g.in[0]) && inside(sy, g.in[1]);
    for (std::int64_t i = rows.begin; i < rows.end; i++) {
      const std::int64_t sx = p.origin[2] + i + kx * p.source_step[2];
      *(out + (t - taps.begin) * stride + (i - rows.begin)) =
          row_inside && inside(sx, g.in[2]) ? base + ((sz * g.in[1] + sy) * g.in[2] + sx) * g.ic_pitch : r.zeros;
    }
  }
}

}  // namespace adze
