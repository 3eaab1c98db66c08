#include "kernels/gemm/gemm.h"

#include <algorithm>

#include "kernels/gemm/dot.h"
#include "kernels/gemm/scale.h"

namespace adze {

ADZE_DECLARE_OBJECT_VARIANTS(TileSet, gemm_tiles)
ADZE_DECLARE_VARIANTS(void, dot_rows, const DotArgs&, Range)
ADZE_DECLARE_VARIANTS(void, scale_b, const ScaleArgs&)

namespace {

// A block's end is moved to a multiple of the usual tiles' rows. The usual block with kDepth of k is 192 KiB, and stays
// in L2 beside a panel.
constexpr std::int64_t kRowStep = 24;
// Rows are shared out evenly to blocks of about the size asked for, so one may be this long.
std::int64_t most_rows(const GemmOrder& order) {
  return order.row_block + std::max<std::int64_t>(order.row_block / 2, kRowStep);
}
// Row pointers that are kept at a time, on the stack.
constexpr std::int64_t kMaxPointers = 4096;
// Up to this size all of B stays in L2 beside the rows.
constexpr std::int64_t kSmallB = (384 << 10) / sizeof(float);
// Depth of B that is swept over all rows before the next. A tile starts and ends with its outputs in memory, so it
// should be long; a panel of B of this depth, 64 KiB at 16 columns and 256 KiB at 64, still stays in L2.
constexpr std::int64_t kDepth = 1024;

bool is_small(std::int64_t taps, std::int64_t kc, std::int64_t n, const GemmOrder& order) {
  return taps * most_rows(order) <= kMaxPointers && packed_b_size(taps * kc, n) <= kSmallB;
}

// A stretch of k: whole taps, or a part of one.
struct Chunk {
  Range taps;
  std::int64_t k0, kc;
};

// A depth of k at a time, and of that as many rows as stay in L2 while all panels pass over them (Goto and van de
// Geijn, "Anatomy of High-Performance Matrix Multiplication").
class Sweep {
 public:
  Sweep(const GemmArgs& args, const CancelFlag& cancel) : g_(args), cancel_(cancel) {}

  void run(Range rows, Range panels) {
    const bool small = is_small(g_.taps, g_.kc, g_.n, g_.order);
    bool first = true, last = false;
    for (Chunk chunk = small ? Chunk{{0, g_.taps}, 0, g_.kc} : chunk_at(0, 0); !last;
         chunk = chunk_at(chunk.taps.end, chunk.k0 + chunk.kc)) {
      last = chunk.taps.end >= g_.taps && chunk.k0 + chunk.kc >= g_.kc;
      const std::int64_t usual = g_.order.row_block;
      const std::int64_t blocks = std::max<std::int64_t>(1, (rows.size() + usual / 2) / usual);
      for (std::int64_t i = 0; i < blocks; i++) {
        const Range block = row_block(rows, i, blocks);
        if (block.empty()) continue;
        g_.rows(g_.context, block, chunk.taps, pointers_, block.size());
        const int joined = g_.tiles->joined(block.size());
        for (std::int64_t p = panels.begin; p < panels.end; p += joined) {
          if (cancel_.requested()) return;
          const int count = static_cast<int>(std::min<std::int64_t>(joined, panels.end - p));
          if (count > 1 && panel(p + count - 1).blocks == g_.tiles->max_blocks) {
            joined_tile(block, p, count, chunk, first, last);
            continue;
          }
          for (std::int64_t q = p; q < p + count; q++) {
            const bool ends = last && i + 1 == blocks, behind = ends && (small || q + 1 == panels.end);
            const Panel next = panel(behind ? q : q + 1 < panels.end ? q + 1 : panels.begin);
            tiles(block, q, {stretch(next, chunk) + (behind ? packed_b_size(g_.taps * g_.kc, g_.n) : 0), next.blocks},
                  chunk, first, last);
          }
        }
      }
      first = false;
    }
  }

 private:
  // Never a few rows alone: they would need all of B.
  static Range row_block(Range rows, std::int64_t i, std::int64_t blocks) {
    const auto begin = [&](std::int64_t b) { return rows.begin + rows.size() * b / blocks / kRowStep * kRowStep; };
    return {begin(i), i + 1 < blocks ? begin(i + 1) : rows.end};
  }

  // The chunk that starts where another ended: after tap_end - 1, or inside it when it was cut at `k_end`.
  Chunk chunk_at(std::int64_t tap_end, std::int64_t k_end) const {
    if (g_.kc > kDepth) {
      const bool inside = k_end > 0 && k_end < g_.kc;
      const std::int64_t tap = inside ? tap_end - 1 : tap_end;
      const std::int64_t k0 = inside ? k_end : 0;
      return {{tap, tap + 1}, k0, std::min(kDepth, g_.kc - k0)};
    }
    const std::int64_t taps =
        std::clamp<std::int64_t>(kDepth / std::max<std::int64_t>(g_.kc, 1), 1, kMaxPointers / most_rows(g_.order));
    return {{tap_end, std::min(tap_end + taps, g_.taps)}, 0, g_.kc};
  }

  // Where a chunk of panel p begins.
  const float* stretch(const Panel& panel, const Chunk& chunk) const {
    const std::int64_t column = panel.first_block * kBlock, width = panel.blocks * kBlock;
    return g_.b + column * g_.taps * g_.kc + (chunk.taps.begin * g_.kc + chunk.k0) * width;
  }

  // What a tile over the rows whose pointers are filled needs for the panels from `column` on.
  TileArgs args(Range block, std::int64_t column, std::int64_t width, const Chunk& chunk, bool first, bool last) const {
    TileArgs t{};
    t.a = pointers_;
    t.a_stride = block.size();
    t.a_offset = chunk.k0;
    t.taps = chunk.taps.size();
    t.kc = chunk.kc;
    t.c = g_.c + block.begin * g_.ldc + column;
    t.ldc = g_.ldc;
    t.bias = g_.bias ? g_.bias + column : nullptr;
    t.residual = g_.residual ? g_.residual + block.begin * g_.ldr + column : nullptr;
    t.ldr = g_.ldr;
    t.last_lanes = static_cast<int>(std::min<std::int64_t>(kBlock, g_.n - (column + width - kBlock)));
    t.first = first;
    t.last = last;
    t.activation = g_.activation;
    return t;
  }

  // The whole panels p to p + count - 1 over a few rows. They are streamed, which the hardware foresees.
  void joined_tile(Range block, std::int64_t p, int count, const Chunk& chunk, bool first, bool last) {
    const int blocks = g_.tiles->max_blocks;
    TileArgs t = args(block, p * blocks * kBlock, count * blocks * kBlock, chunk, first, last);
    t.b = stretch({p * blocks, blocks}, chunk);
    t.b_pitch = stretch({(p + 1) * blocks, blocks}, chunk) - t.b;
    t.next = reinterpret_cast<const std::byte*>(t.b);
    g_.tiles->pick_joined(static_cast<int>(block.size()), count)(t);
  }

  Panel panel(std::int64_t p) const { return panel_of(p, g_.n, g_.tiles->max_blocks); }

  // What to fetch while a panel is multiplied: the next one, or behind the last one what a later product begins with,
  // if weights lie in the order of their use.
  struct Ahead {
    const float* b;
    int blocks;
  };

  // The tiles of panel p over the rows whose pointers are filled. Rows are shared out evenly: 49 as 5, 5, ... and not
  // as eight sixes and a one.
  void tiles(Range block, std::int64_t p, const Ahead& ahead, const Chunk& chunk, bool first, bool last) {
    const Panel panel = this->panel(p);
    const std::int64_t column = panel.first_block * kBlock, width = panel.blocks * kBlock;
    TileArgs t = args(block, column, width, chunk, first, last);
    t.b = stretch(panel, chunk);
    const std::int64_t rows = block.size(), most = g_.tiles->max_rows(panel.blocks, t.last_lanes);
    const std::int64_t count = (rows + most - 1) / most;
    // Each tile asks for its share of the next panel. One tile alone runs straight on into that panel, which the
    // hardware foresees.
    constexpr std::int64_t kFloatBytes = sizeof(float);
    t.next = reinterpret_cast<const std::byte*>(ahead.b);
    t.next_step = count > 1 ? prefetch_share(ahead.blocks * kBlock * kFloatBytes, count) : 0;
    for (std::int64_t i = 0; i < count; i++, t.next += t.next_step * t.taps * (t.kc / kPrefetchSteps)) {
      const std::int64_t from = rows * i / count, to = rows * (i + 1) / count;
      t.a = pointers_ + from;
      t.c = g_.c + (block.begin + from) * g_.ldc + column;
      t.residual = g_.residual ? g_.residual + (block.begin + from) * g_.ldr + column : nullptr;
      g_.tiles->tile(static_cast<int>(to - from), panel.blocks, t.last_lanes)(t);
    }
  }

  const GemmArgs& g_;
  const CancelFlag& cancel_;
  const float* pointers_[kMaxPointers];
};

}  // namespace

namespace {
constexpr Variant<const TileSet*> kTiles[] = ADZE_OBJECT_VARIANTS(gemm_tiles);
constexpr Variant<DotFn> kDots[] = ADZE_VARIANTS(dot_rows);
constexpr Variant<ScaleFn> kScale[] = ADZE_VARIANTS(scale_b);
}  // namespace
constexpr KernelTable<const TileSet*> gemm_tile_f32{"gemm_tile_f32", kTiles};
constexpr KernelTable<DotFn> dot_f32{"dot_f32", kDots};
constexpr KernelTable<ScaleFn> scale_b_f32{"scale_b_f32", kScale};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<gemm_tile_f32>, kernel_info<dot_f32>, kernel_info<scale_b_f32>};
}
extern const std::span<const KernelInfo> kernels_gemm;
constinit const std::span<const KernelInfo> kernels_gemm{kInfos};

std::int64_t panel_count(std::int64_t n, int max_blocks) { return (blocks_of(n) + max_blocks - 1) / max_blocks; }

// Full panels, but a last single block is avoided where it can share with its neighbour: 5 blocks are 3 + 2.
Panel panel_of(std::int64_t index, std::int64_t n, int max_blocks) {
  const std::int64_t blocks = blocks_of(n), full = blocks / max_blocks;
  const int rest = static_cast<int>(blocks % max_blocks);
  if (rest == 1 && full > 0 && max_blocks == 4) {
    if (index == full - 1) return {index * 4, 3};
    if (index == full) return {(full - 1) * 4 + 3, 2};
  }
  return {index * max_blocks, index < full ? max_blocks : rest};
}

std::int64_t gemm_rows_size(std::int64_t taps, std::int64_t kc, std::int64_t n, const GemmOrder& order) {
  return most_rows(order) * (is_small(taps, kc, n, order) ? taps * kc : std::min(taps * kc, std::max(kDepth, kc)));
}

void gemm_f32(const GemmArgs& args, Slice slice, const CancelFlag& cancel) {
  const std::int64_t panels = panel_count(args.n, args.tiles->max_blocks);
  const std::int64_t weights = packed_b_size(args.taps * args.kc, args.n);
  // Threads share out the rows, so that each keeps its strip of the image; where weights outweigh the rows, the panels.
  const bool lighter = args.m < 12 * slice.parts || weights > args.m * (args.kc + args.n);
  const bool by_panels = panels >= slice.parts && shares_panels(args.order.share, lighter);
  const Range rows = by_panels ? Range{0, args.m} : slice.of(args.m);
  const Range mine = by_panels ? slice.of(panels) : Range{0, panels};
  if (rows.empty() || mine.empty()) return;
  Sweep(args, cancel).run(rows, mine);
}

void matrix_rows(const void* context, Range rows, Range, const float** out, std::int64_t) {
  const auto& matrix = *static_cast<const MatrixRows*>(context);
  for (std::int64_t i = rows.begin; i < rows.end; i++) *out++ = matrix.a + i * matrix.lda;
}

}  // namespace adze
