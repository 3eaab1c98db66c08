#include "kernels/conv/conv.h"

#include <algorithm>

#include "kernels/conv/depthwise.h"
#include "kernels/conv/planar.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, depthwise_rows, const DepthwiseArgs&, Range)
ADZE_DECLARE_OBJECT_VARIANTS(PlanarTiles, planar_tiles)

namespace {

bool inside(std::int64_t position, std::int64_t size) { return position >= 0 && position < size; }

constexpr Variant<DepthwiseFn> kDepthwise[] = ADZE_VARIANTS(depthwise_rows);
constexpr Variant<const PlanarTiles*> kPlanar[] = ADZE_OBJECT_VARIANTS(planar_tiles);

}  // namespace
constexpr KernelTable<DepthwiseFn> depthwise_f32{"depthwise_f32", kDepthwise};
constexpr KernelTable<const PlanarTiles*> planar_tile_f32{"planar_tile_f32", kPlanar};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<depthwise_f32>, kernel_info<planar_tile_f32>};
}
extern const std::span<const KernelInfo> kernels_conv;
constinit const std::span<const KernelInfo> kernels_conv{kInfos};

namespace {

// With more channels, a tap per element is long enough.
constexpr std::int64_t kJoinedChannels = 64;

bool joins_rows(const ConvGeometry& g) {
  return g.kernel[2] > 1 && g.dilation[2] == 1 && g.ic == g.ic_pitch && g.ic <= kJoinedChannels;
}

// Where the windows of some neighbouring output pixels begin, which may be outside.
struct Windows {
  static constexpr std::int64_t kMost = 64;
  std::int64_t z[kMost], y[kMost], x[kMost];
  std::int64_t at[kMost];  // as an index into src, for one that is inside
  bool inside = true;      // all of each

  Windows(const ConvGeometry& g, Range rows) {
    Spatial reach;
    for (std::size_t a = 0; a < kSpatial; a++) reach[a] = g.in[a] - (g.kernel[a] - 1) * g.dilation[a];
    std::int64_t column = rows.begin % g.out[2], rest = rows.begin / g.out[2];
    std::int64_t line = rest % g.out[1];
    rest /= g.out[1];
    std::int64_t plane = rest % g.out[0], image = rest / g.out[0];
    for (std::int64_t i = 0; i < rows.size(); i++) {
      z[i] = plane * g.stride[0] - g.pad[0];
      y[i] = line * g.stride[1] - g.pad[1];
      x[i] = column * g.stride[2] - g.pad[2];
      at[i] = (((image * g.in[0] + z[i]) * g.in[1] + y[i]) * g.in[2] + x[i]) * g.ic_pitch;
      inside &= adze::inside(z[i], reach[0]) && adze::inside(y[i], reach[1]) && adze::inside(x[i], reach[2]);
      if (++column < g.out[2]) continue;
      column = 0;
      if (++line < g.out[1]) continue;
      line = 0;
      if (++plane < g.out[0]) continue;
      plane = 0;
      image++;
    }
  }
};

}  // namespace

ConvTaps conv_taps(const ConvGeometry& g) {
  if (joins_rows(g)) return {g.kernel[0] * g.kernel[1], g.kernel[2] * g.ic};
  return {g.taps(), g.ic};
}

void conv_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride) {
  const auto& conv = *static_cast<const ConvRows*>(context);
  const ConvGeometry& g = *conv.geometry;
  const bool joined = joins_rows(g);
  const std::int64_t per_row = joined ? 1 : g.kernel[2], span = joined ? g.kernel[2] : 1;
  float* edge = conv.edges;
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += Windows::kMost) {
    const std::int64_t count = std::min(Windows::kMost, rows.end - begin);
    const Windows windows(g, {begin, begin + count});
    for (std::int64_t t = taps.begin; t < taps.end; t++) {
      const std::int64_t dx = t % per_row * g.dilation[2], kyz = t / per_row;
      const std::int64_t dz = kyz / g.kernel[1] * g.dilation[0], dy = kyz % g.kernel[1] * g.dilation[1];
      const std::int64_t offset = ((dz * g.in[1] + dy) * g.in[2] + dx) * g.ic_pitch;
      const float** to = out + (t - taps.begin) * stride + (begin - rows.begin);
      if (windows.inside) {
        for (std::int64_t i = 0; i < count; i++) to[i] = conv.src + (windows.at[i] + offset);
        continue;
      }
      for (std::int64_t i = 0; i < count; i++) {
        const std::int64_t x = windows.x[i] + dx, first = std::max<std::int64_t>(-x, 0),
                           last = std::min(span, g.in[2] - x);
        if (first >= last || !inside(windows.z[i] + dz, g.in[0]) || !inside(windows.y[i] + dy, g.in[1])) {
          to[i] = conv.zeros;
        } else if (last - first == span) {
          to[i] = conv.src + (windows.at[i] + offset);
        } else {
          const float* from = conv.src + (windows.at[i] + offset + first * g.ic);
          to[i] = edge;
          std::fill_n(edge, first * g.ic, 0.0f);
          std::copy_n(from, (last - first) * g.ic, edge + first * g.ic);
          std::fill_n(edge + last * g.ic, (span - last) * g.ic, 0.0f);
          edge += span * g.ic;
        }
      }
    }
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
