#include "kernels/winograd/winograd.h"

#include <algorithm>
#include <array>

#include "kernels/gemm/gemm.h"

namespace adze {

ADZE_DECLARE_OBJECT_VARIANTS(WinogradTransforms, winograd_transforms)

namespace {
constexpr Variant<const WinogradTransforms*> kTransforms[] = ADZE_OBJECT_VARIANTS(winograd_transforms);
}
constexpr KernelTable<const WinogradTransforms*> winograd_transforms_f32{"winograd_transforms_f32", kTransforms};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<winograd_transforms_f32>};
}
extern const std::span<const KernelInfo> kernels_winograd;
constinit const std::span<const KernelInfo> kernels_winograd{kInfos};

namespace {

constexpr int kSide = 3;  // of the kernel
// Floats of V and M together that leave room for a panel of weights in L2.
constexpr std::int64_t kGroupFloats = (700 << 10) / sizeof(float);
// Tiles of a group: fewer would load the weights too often for the work done on them.
constexpr std::int64_t kFewestTiles = 16, kMostTiles = 40;
// Between the planes of V and M, so that the same place in each doesn't fall into the same cache set.
constexpr std::int64_t kPlaneGap = 32;

std::int64_t whole_blocks(std::int64_t n) { return blocks_of(n) * kBlock; }

std::int64_t group_tiles(const WinogradLayer& l) {
  const std::int64_t width = std::min<std::int64_t>(l.panel_blocks() * kBlock, whole_blocks(l.oc));
  const std::int64_t rows = l.tiles->max_rows(static_cast<int>(width / kBlock), kBlock);
  const std::int64_t room = kGroupFloats / (l.points() * (whole_blocks(l.geometry.ic) + width));
  return std::clamp(room / rows * rows, kFewestTiles, std::max(kFewestTiles, kMostTiles / rows * rows));
}

std::int64_t source_plane(const WinogradLayer& l, std::int64_t tiles) {
  return tiles * whole_blocks(l.geometry.ic) + kPlaneGap;
}
std::int64_t product_plane(const WinogradLayer& l, std::int64_t tiles) {
  return tiles * std::min<std::int64_t>(l.panel_blocks() * kBlock, whole_blocks(l.oc)) + kPlaneGap;
}

// A row of G per point: powers of the point over the product of its distances to the other points.
template <int P>
using WeightTransform = std::array<std::array<double, kSide>, P>;

constexpr WeightTransform<4> kWeights2 = {{{-1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};

constexpr WeightTransform<6> weights4() {
  constexpr double a = 0.75, b = 1.5, aa = a * a, bb = b * b;
  constexpr double at_a = 1 / (2 * aa * (aa - bb)), at_b = 1 / (2 * bb * (bb - aa));
  return {{{1 / (aa * bb), 0, 0},
           {at_a, at_a * a, at_a * aa},
           {at_a, -at_a * a, at_a * aa},
           {at_b, at_b * b, at_b * bb},
           {at_b, -at_b * b, at_b * bb},
           {0, 0, 1}}};
}
constexpr WeightTransform<6> kWeights4 = weights4();

// G g Gt, point e at out[e].
template <std::size_t P>
void transform_weights(const std::array<std::array<double, kSide>, P>& g, const float* w, double* out) {
  for (std::size_t i = 0; i < P; i++) {
    for (std::size_t j = 0; j < P; j++) {
      double sum = 0;
      for (std::size_t y = 0; y < kSide; y++) {
        for (std::size_t x = 0; x < kSide; x++) sum += g[i][y] * static_cast<double>(w[y * kSide + x]) * g[j][x];
      }
      out[i * P + j] = sum;
    }
  }
}

// One thread's share of a convolution, a group of tiles at a time.
class Groups {
 public:
  Groups(const WinogradArgs& args, float* scratch) : args_(args), l_(args.layer), g_(args.layer.geometry) {
    const std::int64_t most = std::min(group_tiles(l_), l_.tile_count());
    most_ = most;
    panel_blocks_ = l_.panel_blocks();
    source_plane_ = source_plane(l_, most);
    product_plane_ = product_plane(l_, most);
    v_ = scratch;
    m_ = scratch + l_.points() * source_plane_;
  }

  void run(Range tiles, Range panels, const CancelFlag& cancel) {
    for (std::int64_t t = tiles.begin; t < tiles.end; t += most_) {
      const Range group{t, std::min(t + most_, tiles.end)};
      if (cancel.requested()) return;
      for (channels_ = 0; channels_ < l_.groups; channels_++) {
        transform_sources(group);
        for (std::int64_t p = panels.begin; p < panels.end; p++) {
          if (cancel.requested()) return;
          const Panel panel = panel_of(p, l_.oc, panel_blocks_);
          multiply(group.size(), panel);
          transform_results(group, panel);
        }
      }
    }
  }

 private:
  // Where tile t begins in the output.
  struct Place {
    std::int64_t image, y, x;
  };
  Place place(std::int64_t t) const {
    const std::int64_t columns = l_.tile_columns(), lines = l_.tile_lines(), dy = g_.dilation[1], dx = g_.dilation[2];
    const std::int64_t column = t % columns, line = t / columns % lines, phase = t / columns / lines;
    return {phase / dx / dy, phase / dx % dy + line * l_.outputs * dy, phase % dx + column * l_.outputs * dx};
  }

  int last_lanes(const Panel& panel) const {
    return static_cast<int>(std::min<std::int64_t>(kBlock, l_.oc - (panel.first_block + panel.blocks - 1) * kBlock));
  }

  // Of this channel group. REQUIRES: inside the image.
  const float* source_pixel(std::int64_t image, std::int64_t y, std::int64_t x) const {
    return args_.src + ((image * g_.in[1] + y) * g_.in[2] + x) * g_.ic_pitch + channels_ * g_.ic;
  }

  void transform_sources(Range group) {
    const int side = l_.side();
    const float* pixels[kMaxWinogradSide * kMaxWinogradSide];
    WinogradSource source{pixels, g_.ic, nullptr, source_plane_};
    const auto transform = args_.transforms->source[l_.outputs / 4];
    for (std::int64_t t = group.begin; t < group.end; t++) {
      const Place at = place(t);
      const std::int64_t y0 = at.y - g_.pad[1], x0 = at.x - g_.pad[2];
      const std::int64_t dy = g_.dilation[1], dx = g_.dilation[2];
      if (y0 >= 0 && y0 + (side - 1) * dy < g_.in[1] && x0 >= 0 && x0 + (side - 1) * dx < g_.in[2]) {
        const float* first = source_pixel(at.image, y0, x0);
        const std::int64_t line = dy * g_.in[2] * g_.ic_pitch, pixel = dx * g_.ic_pitch;
        for (std::int64_t i = 0; i < side; i++) {
          for (std::int64_t j = 0; j < side; j++) pixels[i * side + j] = first + i * line + j * pixel;
        }
      } else {
        for (std::int64_t i = 0; i < side; i++) {
          for (std::int64_t j = 0; j < side; j++) {
            const std::int64_t y = y0 + i * dy, x = x0 + j * dx;
            const bool inside = y >= 0 && y < g_.in[1] && x >= 0 && x < g_.in[2];
            pixels[i * side + j] = inside ? source_pixel(at.image, y, x) : args_.zeros;
          }
        }
      }
      source.v = v_ + (t - group.begin) * whole_blocks(g_.ic);
      transform(source);
    }
  }

  // M = V U for each point, over `count` tiles. While one point's weights are used the next point's, which lie behind
  // them, are fetched.
  void multiply(std::int64_t count, const Panel& panel) {
    const std::int64_t width = panel.blocks * kBlock, pitch = whole_blocks(g_.ic);
    const int lanes = last_lanes(panel);
    const std::int64_t most = l_.tiles->max_rows(panel.blocks, lanes);
    const float* rows[kMostTiles];
    for (std::int64_t i = 0; i < count; i++) rows[i] = v_ + i * pitch;
    const std::int64_t passes = (count + most - 1) / most;
    TileArgs t{};
    t.taps = 1;
    t.kc = g_.ic;
    t.ldc = width;
    t.next_step = prefetch_share(width * static_cast<std::int64_t>(sizeof(float)), passes);
    t.last_lanes = lanes;
    t.first = t.last = true;
    t.b = args_.weights + channels_ * l_.group_size() + panel.first_block * kBlock * g_.ic * l_.points();
    for (int point = 0; point < l_.points(); point++, t.b += width * g_.ic) {
      t.a_offset = point * source_plane_;
      t.next = reinterpret_cast<const std::byte*>(t.b + width * g_.ic);
      for (std::int64_t i = 0; i < passes; i++, t.next += t.next_step * (t.kc / kPrefetchSteps)) {
        const std::int64_t from = count * i / passes, to = count * (i + 1) / passes;
        t.a = rows + from;
        t.c = m_ + point * product_plane_ + from * width;
        l_.tiles->tile(static_cast<int>(to - from), panel.blocks, lanes)(t);
      }
    }
  }

  // How many of a tile's outputs from `first` on lie in the image.
  int inside(std::size_t axis, std::int64_t first) const {
    const std::int64_t d = g_.dilation[axis], room = (g_.out[axis] - first + d - 1) / d;
    return static_cast<int>(std::clamp<std::int64_t>(room, 0, l_.outputs));
  }

  void transform_results(Range group, const Panel& panel) {
    const std::int64_t column = panel.first_block * kBlock, width = panel.blocks * kBlock;
    WinogradTile tile{};
    tile.plane = product_plane_;
    tile.blocks = panel.blocks;
    tile.last_lanes = last_lanes(panel);
    tile.bias = args_.bias ? args_.bias + channels_ * whole_blocks(l_.oc) + column : nullptr;
    const std::int64_t dst_pitch = pixel_pitch(args_.dst_pitch, l_.channels());
    const std::int64_t residual_pitch = pixel_pitch(args_.residual_pitch, l_.channels());
    const std::int64_t line = g_.dilation[1] * g_.out[2];
    tile.pixel_pitch = g_.dilation[2] * dst_pitch;
    tile.line_pitch = line * dst_pitch;
    tile.residual_pixel_pitch = g_.dilation[2] * residual_pitch;
    tile.residual_line_pitch = line * residual_pitch;
    tile.activation = args_.activation;
    const auto transform = args_.transforms->result[l_.outputs / 4];
    for (std::int64_t t = group.begin; t < group.end; t++) {
      const Place at = place(t);
      const std::int64_t pixel = (at.image * g_.out[1] + at.y) * g_.out[2] + at.x, c = channels_ * l_.oc + column;
      tile.m = m_ + (t - group.begin) * width;
      tile.rows = inside(1, at.y);
      tile.columns = inside(2, at.x);
      if (tile.rows == 0 || tile.columns == 0) continue;  // a phase may have fewer tiles than the first
      tile.residual = args_.residual ? args_.residual + pixel * residual_pitch + c : nullptr;
      tile.dst = args_.dst + pixel * dst_pitch + c;
      transform(tile);
    }
  }

  const WinogradArgs& args_;
  const WinogradLayer& l_;
  const ConvGeometry& g_;
  std::int64_t most_;
  int panel_blocks_;
  std::int64_t source_plane_, product_plane_;
  std::int64_t channels_ = 0;  // the channel group
  float *v_, *m_;
};

}  // namespace

int winograd_outputs(const ConvGeometry& g, std::int64_t oc) {
  const Spatial kernel = {1, kSide, kSide}, ones = {1, 1, 1};
  if (g.kernel != kernel || g.stride != ones || g.in[0] != 1 || g.out[0] != 1) return 0;
  // In multiply-adds of one lane. The transforms' arithmetic and traffic weigh as much as this many per element, and
  // weights that come from memory take as long as multiplying this many tiles by them.
  constexpr double kSourceCost = 12, kResultCost = 9, kStreamedTiles = 11.6, kWorthwhile = 0.9;
  const auto ic = static_cast<double>(g.ic), ic16 = static_cast<double>(whole_blocks(g.ic)),
             oc16 = static_cast<double>(whole_blocks(oc));
  const double direct = kSide * kSide * std::max(kStreamedTiles, static_cast<double>(g.out[1] * g.out[2])) * ic * oc16;
  int best = 0;
  double least = kWorthwhile * direct;
  for (const int m : {4, 2}) {
    const auto tiles = static_cast<double>(WinogradLayer{g, oc, 1, m, nullptr}.image_tiles());
    const double cost =
        (m + 2) * (m + 2) *
        (std::max(kStreamedTiles, tiles) * ic * oc16 + tiles * (kSourceCost * ic16 + kResultCost * oc16));
    if (cost >= least) continue;
    least = cost;
    best = m;
  }
  return best;
}

int WinogradLayer::panel_blocks() const {
  // Three blocks leave room for eight rows: then an image of 14 x 14 or 7 x 7 reads the weights twice and not thrice.
  constexpr int kNarrow = 3;
  return tiles->max_blocks > kNarrow && image_tiles() <= 2 * tiles->max_rows(kNarrow, kBlock) ? kNarrow
                                                                                              : tiles->max_blocks;
}

std::int64_t WinogradLayer::group_size() const { return points() * geometry.ic * whole_blocks(oc); }

std::int64_t WinogradLayer::scratch_size() const {
  const std::int64_t group = std::min(group_tiles(*this), tile_count());
  return points() * (source_plane(*this, group) + product_plane(*this, group));
}

namespace {

void pack_group(const WinogradLayer& l, const float* weights, float* dst) {
  const std::int64_t ic = l.geometry.ic;
  double points[kMaxWinogradSide * kMaxWinogradSide];
  for (std::int64_t p = 0, panels = panel_count(l.oc, l.panel_blocks()); p < panels; p++) {
    const Panel panel = panel_of(p, l.oc, l.panel_blocks());
    const std::int64_t width = panel.blocks * kBlock, column = panel.first_block * kBlock;
    float* to = dst + column * ic * l.points();
    for (std::int64_t j = 0; j < std::min(width, l.oc - column); j++) {
      for (std::int64_t i = 0; i < ic; i++) {
        const float* w = weights + ((column + j) * ic + i) * kSide * kSide;
        if (l.outputs == 2) {
          transform_weights(kWeights2, w, points);
        } else {
          transform_weights(kWeights4, w, points);
        }
        for (int e = 0; e < l.points(); e++) to[(e * ic + i) * width + j] = static_cast<float>(points[e]);
      }
    }
  }
}

}  // namespace

void pack_winograd(const WinogradLayer& l, std::span<const float> weights, float* dst) {
  const std::int64_t one = l.oc * l.geometry.ic * kSide * kSide;
  for (std::int64_t g = 0; g < l.groups; g++) pack_group(l, weights.data() + g * one, dst + g * l.group_size());
}

void winograd_f32(const WinogradArgs& args, float* scratch, Slice slice, const CancelFlag& cancel) {
  const WinogradLayer& l = args.layer;
  const std::int64_t tiles = l.tile_count(), panels = panel_count(l.oc, l.panel_blocks());
  // Threads share out the tiles; the panels where there are few tiles, since then each would read all the weights.
  const bool by_panels = panels >= slice.parts && shares_panels(args.share, tiles < kFewestTiles * slice.parts);
  const Range my_tiles = by_panels ? Range{0, tiles} : slice.of(tiles);
  const Range my_panels = by_panels ? slice.of(panels) : Range{0, panels};
  if (my_tiles.empty() || my_panels.empty()) return;
  Groups(args, scratch).run(my_tiles, my_panels, cancel);
}

}  // namespace adze
