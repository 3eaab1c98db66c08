#include "kernels/conv/planar.h"

#include <algorithm>

#include "kernels/gemm/gemm.h"

namespace adze {

namespace {

// More channels would fill a vector themselves, and deeper sums gain nothing from the table.
constexpr std::int64_t kMostChannels = 4, kMostDepth = 1024;
// Of a strip; it stays in L1 or close to it beside a panel of weights.
constexpr std::int64_t kStripFloats = (48 << 10) / sizeof(float);
// Of the strip for a single row of outputs, which every thread holds and 32-bit offsets reach.
constexpr std::int64_t kMostRowFloats = 1 << 20;

// Floats of a source line with the zeros around it.
std::int64_t line_pitch_of(const ConvGeometry& g) { return (g.out[2] - 1) * g.stride[2] + g.kernel[2]; }

// A stretch of each channel's plane, asked for little by little while other work goes on.
class StretchAhead {
 public:
  StretchAhead(const float* first, std::int64_t floats, std::int64_t planes, std::int64_t plane_pitch)
      : at_(first), floats_(floats), planes_(floats > 0 ? planes : 0), pitch_(plane_pitch) {}

  std::int64_t lines() const { return planes_ * ((floats_ + kLine - 1) / kLine); }
  void fetch(std::int64_t lines) {
    for (; lines > 0 && planes_ > 0; lines--) {
      __builtin_prefetch(at_ + offset_, 0, 2);
      offset_ += kLine;
      if (offset_ < floats_) continue;
      offset_ = 0;
      at_ += pitch_;
      planes_--;
    }
  }

 private:
  static constexpr std::int64_t kLine = 64 / sizeof(float);

  const float* at_;
  std::int64_t floats_, planes_, pitch_, offset_ = 0;
};

class Strips {
 public:
  Strips(const PlanarArgs& args, float* strip) : args_(args), l_(*args.layer), g_(args.layer->g), strip_(strip) {}

  // Output rows [begin, begin + count) of an image, and after them perhaps more of it.
  void run(std::int64_t image, std::int64_t begin, std::int64_t count) {
    fill(image, begin * g_.stride[1] - g_.pad[1]);
    StretchAhead ahead = source_lines(image, (begin + count) * g_.stride[1] - g_.pad[1]);
    const int max_blocks = args_.tiles->max_blocks;
    const std::int64_t panels = panel_count(l_.oc, max_blocks);
    // The first panel has the most blocks, so the others have no more tiles than it.
    const std::int64_t tiles = panels * count * tiles_of(panel_of(0, l_.oc, max_blocks));
    const std::int64_t share = (ahead.lines() + tiles - 1) / tiles;
    for (std::int64_t p = 0; p < panels; p++) {
      const Panel panel = panel_of(p, l_.oc, max_blocks);
      for (std::int64_t r = 0; r < count; r++)
        row(panel, strip_ + r * g_.stride[1] * l_.line_pitch, (image * g_.out[1] + begin + r) * g_.out[2], ahead,
            share);
    }
  }

 private:
  // Of a row of outputs.
  std::int64_t tiles_of(const Panel& panel) const {
    const bool half = TileSet::is_half(last_lanes(panel));
    const std::int64_t most = args_.planar->rows[half][panel.blocks];
    return (g_.out[2] + most - 1) / most;
  }
  int last_lanes(const Panel& panel) const {
    return static_cast<int>(std::min<std::int64_t>(kBlock, l_.oc - (panel.first_block + panel.blocks - 1) * kBlock));
  }

  // As many source lines as a strip has, from line y0 on.
  StretchAhead source_lines(std::int64_t image, std::int64_t y0) const {
    const std::int64_t first = std::clamp<std::int64_t>(y0, 0, g_.in[1]), last = std::min(y0 + l_.lines, g_.in[1]);
    return {args_.src + (image * g_.ic * g_.in[1] + first) * g_.in[2], (last - first) * g_.in[2], g_.ic,
            g_.in[1] * g_.in[2]};
  }

  // The lines from source line y0 on, zeros around them.
  void fill(std::int64_t image, std::int64_t y0) {
    const std::int64_t width = std::min(g_.in[2], l_.line_pitch - g_.pad[2]);  // columns behind may not be read
    for (std::int64_t c = 0; c < g_.ic; c++) {
      const float* plane = args_.src + (image * g_.ic + c) * g_.in[1] * g_.in[2];
      for (std::int64_t l = 0; l < l_.lines; l++) {
        float* to = strip_ + (c * l_.lines + l) * l_.line_pitch;
        const std::int64_t y = y0 + l;
        if (y < 0 || y >= g_.in[1] || width <= 0) {
          std::fill_n(to, l_.line_pitch, 0.0f);
          continue;
        }
        std::fill_n(to, g_.pad[2], 0.0f);
        std::copy_n(plane + y * g_.in[2], width, to + g_.pad[2]);
        std::fill(to + g_.pad[2] + width, to + l_.line_pitch, 0.0f);
      }
    }
  }

  // One row of outputs from pixel `out` on; the tiles share it out evenly, and each asks for so many lines of `ahead`.
  void row(const Panel& panel, const float* src, std::int64_t out, StretchAhead& ahead, std::int64_t share) {
    const std::int64_t column = panel.first_block * kBlock;
    PlanarTile t{};
    t.offsets = l_.offsets.data();
    t.tile.kc = l_.k();
    t.tile.b = args_.weights + column * l_.k();
    t.tile.ldc = pixel_pitch(args_.dst_pitch, l_.oc);
    t.tile.ldr = pixel_pitch(args_.residual_pitch, l_.oc);
    t.tile.bias = args_.bias ? args_.bias + column : nullptr;
    t.tile.last_lanes = last_lanes(panel);
    t.tile.first = t.tile.last = true;
    t.tile.activation = args_.activation;
    const bool half = TileSet::is_half(t.tile.last_lanes);
    const std::int64_t pixels = g_.out[2], count = tiles_of(panel);
    for (std::int64_t i = 0; i < count; i++) {
      const std::int64_t from = pixels * i / count, to = pixels * (i + 1) / count;
      ahead.fetch(share);
      t.src = src + from * g_.stride[2];
      t.tile.c = args_.dst + (out + from) * t.tile.ldc + column;
      t.tile.residual = args_.residual ? args_.residual + (out + from) * t.tile.ldr + column : nullptr;
      args_.planar->pick(static_cast<int>(to - from), panel.blocks, half, g_.stride[2])(t);
    }
  }

  const PlanarArgs& args_;
  const PlanarLayer& l_;
  const ConvGeometry& g_;
  float* strip_;
};

}  // namespace

bool planar_takes(const ConvGeometry& g) {
  const bool flat = g.in[0] == 1 && g.out[0] == 1 && g.kernel[0] == 1 && g.stride[0] == 1;
  const bool stride = g.stride[2] == 1 || g.stride[2] == 2 || g.stride[2] == 4;
  const bool shallow = g.ic > 0 && g.ic <= kMostChannels && g.ic * g.taps() <= kMostDepth;
  return flat && stride && shallow && g.dilation == Spatial{1, 1, 1} && g.out[1] > 0 && g.out[2] > 1 &&
         line_pitch_of(g) <= kMostRowFloats / (g.ic * g.kernel[1]);
}

PlanarLayer::PlanarLayer(const ConvGeometry& geometry, std::int64_t out_channels) : g(geometry), oc(out_channels) {
  line_pitch = line_pitch_of(g);
  const std::int64_t room = kStripFloats / (g.ic * line_pitch);
  strip_rows = std::clamp<std::int64_t>((room - g.kernel[1]) / g.stride[1] + 1, 1, g.out[1]);
  lines = (strip_rows - 1) * g.stride[1] + g.kernel[1];
  for (std::int64_t c = 0; c < g.ic; c++) {
    for (std::int64_t t = 0; t < g.taps(); t++) {
      const std::int64_t line = c * lines + t / g.kernel[2];
      offsets.push_back(static_cast<std::int32_t>(line * line_pitch + t % g.kernel[2]));
    }
  }
}

void planar_conv_f32(const PlanarArgs& args, float* scratch, Slice slice, const CancelFlag& cancel) {
  const ConvGeometry& g = args.layer->g;
  const Range rows = slice.of(g.n * g.out[1]);
  Strips strips(args, scratch);
  for (std::int64_t r = rows.begin; r < rows.end && !cancel.requested();) {
    const std::int64_t image = r / g.out[1], y = r % g.out[1];
    const std::int64_t count = std::min({args.layer->strip_rows, rows.end - r, g.out[1] - y});
    strips.run(image, y, count);
    r += count;
  }
}

}  // namespace adze
