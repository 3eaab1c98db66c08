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

// How many steps of `stride` from `from` on reach `to` or go beyond it.
std::int64_t steps_to(std::int64_t from, std::int64_t to, std::int64_t stride) {
  const std::int64_t distance = to - from;
  return distance <= 0 ? 0 : stride == 1 ? distance : (distance + stride - 1) / stride;
}

}  // namespace

ConvTaps conv_taps(const ConvGeometry& g) {
  if (joins_rows(g)) return {g.kernel[0] * g.kernel[1], g.kernel[2] * g.ic};
  return {g.taps(), g.ic};
}

namespace {

// A position in a count over d, h and w, w fastest. Dividing for each would take longer than what is done there.
struct Odometer {
  Odometer(std::int64_t index, const Spatial& size) : size_(size) {
    at[2] = index % size[2], index /= size[2];
    at[1] = index % size[1], at[0] = index / size[1];
  }
  // Within a line, or from its end to the next line.
  void advance(std::int64_t count) {
    at[2] += count;
    if (at[2] < size_[2]) return;
    at[2] = 0;
    if (++at[1] < size_[1]) return;
    at[1] = 0;
    at[0]++;
  }

  Spatial at;  // at[0] is not bounded

 private:
  const Spatial& size_;
};

}  // namespace

// Output pixels of one line at a time: those whose elements of a kernel row all lie inside are neighbours.
void conv_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride) {
  const auto& conv = *static_cast<const ConvRows*>(context);
  const ConvGeometry& g = *conv.geometry;
  const std::int64_t span = joins_rows(g) ? g.kernel[2] : 1;
  const std::int64_t pixel_step = g.stride[2] * g.ic_pitch;
  const Spatial kernel = {g.kernel[0], g.kernel[1], g.kernel[2] / span};
  // So many taps later, a line of outputs reads the source line that the next line of outputs reads with the first.
  const bool shared = g.kernel[0] == 1 && g.stride[1] % g.dilation[1] == 0;
  const std::int64_t later = shared ? g.stride[1] / g.dilation[1] * kernel[2] : taps.size();
  const Odometer first_tap(taps.begin, kernel);
  Odometer pixel(rows.begin, g.out);
  float* edge = conv.edges;
  for (std::int64_t row = rows.begin, count = 0; row < rows.end; row += count, pixel.advance(count)) {
    count = std::min(g.out[2] - pixel.at[2], rows.end - row);
    const std::int64_t image = g.out[0] == 1 ? pixel.at[0] : pixel.at[0] / g.out[0];
    const std::int64_t z0 = (pixel.at[0] - image * g.out[0]) * g.stride[0] - g.pad[0];
    const std::int64_t y0 = pixel.at[1] * g.stride[1] - g.pad[1], x0 = pixel.at[2] * g.stride[2] - g.pad[2];
    const bool below = pixel.at[2] == 0 && pixel.at[1] > 0 && row - g.out[2] >= rows.begin;
    Odometer tap = first_tap;
    const float** to = out + (row - rows.begin);
    for (std::int64_t t = taps.begin; t < taps.end; t++, to += stride, tap.advance(1)) {
      if (below && t + later < taps.end) {
        std::copy_n(to + later * stride - g.out[2], count, to);
        continue;
      }
      const std::int64_t z = z0 + tap.at[0] * g.dilation[0], y = y0 + tap.at[1] * g.dilation[1],
                         x = x0 + tap.at[2] * g.dilation[2];
      if (!inside(z, g.in[0]) || !inside(y, g.in[1])) {
        std::fill_n(to, count, conv.zeros);
        continue;
      }
      const std::int64_t source_line = ((image * g.in[0] + z) * g.in[1] + y) * g.in[2];
      const auto at_border = [&](std::int64_t i) {
        const std::int64_t begin = x + i * g.stride[2], first = std::max<std::int64_t>(-begin, 0),
                           last = std::min(span, g.in[2] - begin);
        if (first >= last) return conv.zeros;
        const float* from = conv.src + (source_line + begin + first) * g.ic_pitch;
        float* copy = edge;
        edge += span * g.ic;
        std::fill_n(copy, first * g.ic, 0.0f);
        std::copy_n(from, (last - first) * g.ic, copy + first * g.ic);
        std::fill_n(copy + last * g.ic, (span - last) * g.ic, 0.0f);
        return static_cast<const float*>(copy);
      };
      const std::int64_t first = std::min(count, steps_to(x, 0, g.stride[2]));
      const std::int64_t last = std::max(first, std::min(count, steps_to(x, g.in[2] - span + 1, g.stride[2])));
      for (std::int64_t i = 0; i < first; i++) to[i] = at_border(i);
      const std::int64_t begin = (source_line + x) * g.ic_pitch;
      for (std::int64_t i = first; i < last; i++) to[i] = conv.src + (begin + i * pixel_step);
      for (std::int64_t i = last; i < count; i++) to[i] = at_border(i);
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
