#include "kernels/pool/pool.h"

#include <algorithm>
#include <limits>

#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

// The part of a window that lies inside the source.
struct Window {
  const float* src;                                    // its first element
  std::int64_t planes, lines, columns;                 // elements along each axis,
  std::int64_t plane_pitch, line_pitch, column_pitch;  // so many floats apart
};

// `count` outputs of a row, whose windows lie `step` floats apart. Size: lines and columns of a single plane, known
// when compiling, or 0.
template <int Size, class Add, class Finish>
ADZE_INLINE void reduce(Window w, std::int64_t count, std::int64_t step, std::int64_t channels, float* dst,
                        std::int64_t dst_pitch, float start, Add add, Finish finish) {
  for (std::int64_t i = 0; i < count; i++, w.src += step, dst += dst_pitch) {
    for_blocks(channels, [&](std::int64_t c, int lanes) {
      f32x16 acc = splat(start);
      if constexpr (Size > 0) {
        ADZE_UNROLL for (int y = 0; y < Size; y++) {
          const float* line = w.src + y * w.line_pitch + c;
          ADZE_UNROLL for (int x = 0; x < Size; x++) acc = add(acc, load_lanes(line + x * w.column_pitch, lanes));
        }
      } else {
        for (std::int64_t z = 0; z < w.planes; z++) {
          const float* line = w.src + z * w.plane_pitch + c;
          for (std::int64_t y = 0; y < w.lines; y++, line += w.line_pitch) {
            for (std::int64_t x = 0; x < w.columns; x++) acc = add(acc, load_lanes(line + x * w.column_pitch, lanes));
          }
        }
      }
      store_lanes(dst + c, finish(acc), lanes);
    });
  }
}

std::int64_t elements(const Span1& span, std::int64_t dilation) {
  const std::int64_t size = span.end - span.begin;
  return size <= 0 ? 0 : dilation == 1 ? size : (size + dilation - 1) / dilation;
}

// finish(acc, size) ends an output whose window has `size` elements.
template <class Add, class Finish>
ADZE_INLINE void pool(const PoolArgs& args, Range pixels, float start, Add add, Finish finish) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t line_pitch = g.in[2] * g.ic_pitch, plane_pitch = g.in[1] * line_pitch;
  const auto span = [&](std::size_t a, std::int64_t position) {
    return window_span(position, g.kernel[a], g.stride[a], g.dilation[a], g.pad[a], args.pad_end[a], g.in[a]);
  };
  // The first output along a row whose window hangs over the row's end.
  const std::int64_t reach = g.in[2] + g.pad[2] - (g.kernel[2] - 1) * g.dilation[2];
  const std::int64_t whole_end = reach > 0 ? (reach - 1) / g.stride[2] + 1 : 0;
  const std::int64_t dst_pitch = pixel_pitch(args.dst_pitch, g.ic);
  std::int64_t p = pixels.begin;
  while (p < pixels.end) {  // a row of outputs, or what is left of it
    const std::int64_t row = p / g.out[2], x_end = std::min(g.out[2], pixels.end - row * g.out[2]);
    Span1 s[kSpatial];
    s[0] = span(0, row / g.out[1] % g.out[0]);
    s[1] = span(1, row % g.out[1]);
    const float* line = args.src + row / g.out[1] / g.out[0] * g.in[0] * plane_pitch + s[0].begin * plane_pitch +
                        s[1].begin * line_pitch;
    Window w{nullptr,
             elements(s[0], g.dilation[0]),
             elements(s[1], g.dilation[1]),
             0,
             g.dilation[0] * plane_pitch,
             g.dilation[1] * line_pitch,
             g.dilation[2] * g.ic_pitch};
    for (std::int64_t x = p - row * g.out[2], count = 0; x < x_end; x += count, p += count) {
      s[2] = span(2, x);
      w.src = line + s[2].begin * g.ic_pitch;
      w.columns = elements(s[2], g.dilation[2]);
      count = w.columns == g.kernel[2] ? std::max<std::int64_t>(1, std::min(x_end, whole_end) - x) : 1;
      const auto size = static_cast<float>(window_count(s, w.planes * w.lines * w.columns, args.count_include_pad));
      const auto end = [&](const f32x16& acc) { return finish(acc, size); };
      float* dst = args.dst + p * dst_pitch;
      const std::int64_t step = g.stride[2] * g.ic_pitch;
      const bool square = w.planes == 1 && w.lines == w.columns;
      if (square && w.columns == 2) {
        reduce<2>(w, count, step, g.ic, dst, dst_pitch, start, add, end);
      } else if (square && w.columns == 3) {
        reduce<3>(w, count, step, g.ic, dst, dst_pitch, start, add, end);
      } else {
        reduce<0>(w, count, step, g.ic, dst, dst_pitch, start, add, end);
      }
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
