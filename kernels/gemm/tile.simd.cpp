#include "kernels/gemm/tile.h"

#include <algorithm>
#include <utility>

#include "kernels/gemm/tile_parts.h"

namespace adze::ADZE_TARGET {
namespace {

// PB: blocks of one panel, fewer than NV where panels are joined.
template <int MR, int NV, bool Half, int PB = NV>
void tile(const TileArgs& t) {
  constexpr std::int64_t kStep = PB * kBlock;  // floats of b per step of k
  const std::int64_t pitch = t.b_pitch;
  f32x16 acc[MR][NV];
  load_start(t, acc);
  RowsAhead<MR, NV> ahead(t);
  ahead.start(t, t.taps * (t.kc / kPrefetchSteps));
  Accumulators<MR, NV, Half, PB> sums;
  sums.from(acc);
  const float* b = t.b;
  const std::byte* next = t.next;
  const std::int64_t next_step = t.next_step;
  for (std::int64_t tap = 0; tap < t.taps; tap++) {
    const float* a[MR];
    ADZE_UNROLL for (int i = 0; i < MR; i++) a[i] = t.a[tap * t.a_stride + i] + t.a_offset;
    std::int64_t k = 0;
    for (; k + kUnrollK <= t.kc; k += kUnrollK, b += kUnrollK * kStep) {
      if (kUnrollK == kPrefetchSteps || k % kPrefetchSteps == 0) {
        for (std::int64_t line = 0; line < next_step; line += 64) __builtin_prefetch(next + line, 0, 2);
        next += next_step;
        ahead.step(t);
      }
      ADZE_UNROLL for (int u = 0; u < kUnrollK; u++) sums.add([&](int i) { return a[i][k + u]; }, b + u * kStep, pitch);
    }
    for (; k < t.kc; k++, b += kStep) sums.add([&](int i) { return a[i][k]; }, b, pitch);
  }
  sums.to(acc);
  finish(t, acc);
}

template <int NV, bool Half, int... Rows>
TileFn pick_rows(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr TileFn kTiles[] = {tile<Rows + 1, NV, Half>...};
  return kTiles[rows - 1];
}

template <bool Half>
TileFn pick_blocks(int rows, int blocks) {
  switch (blocks) {
#if defined(ADZE_TARGET_avx512)
    case 4:
      return pick_rows<4, Half>(rows, std::make_integer_sequence<int, kRows[Half][4]>{});
    case 3:
      return pick_rows<3, Half>(rows, std::make_integer_sequence<int, kRows[Half][3]>{});
    case 2:
      return pick_rows<2, Half>(rows, std::make_integer_sequence<int, kRows[Half][2]>{});
#endif
    default:
      return pick_rows<1, Half>(rows, std::make_integer_sequence<int, kRows[Half][1]>{});
  }
}

// Few rows: panels that are joined so that enough chains run side by side, and enough streams of b.
template <int MR, int... Panels>
constexpr TileFn kJoined[] = {tile<MR, Panels * kPanelBlocks, false, kPanelBlocks>...};

TileFn pick_joined([[maybe_unused]] int rows, [[maybe_unused]] int panels) {
#if defined(ADZE_TARGET_avx512)
  return kJoined<1, 2, 3, 4>[panels - 2];
#elif defined(ADZE_TARGET_avx2)
  return rows == 1 ? kJoined<1, 2, 3, 4>[panels - 2] : rows == 2 ? kJoined<2, 2>[0] : kJoined<3, 2>[0];
#else
  return nullptr;
#endif
}

// Panels joined over so many rows, 1 where none are.
int joined(std::int64_t rows) {
  if (kRegLanes == 1) return 1;
  return rows == 1 ? 4 : kPanelBlocks == 1 && rows <= 3 ? 2 : 1;
}

TileFn pick_tile(int rows, int blocks, bool half) {
  return half ? pick_blocks<true>(rows, blocks) : pick_blocks<false>(rows, blocks);
}

}  // namespace

extern const TileSet gemm_tiles;
constinit const TileSet gemm_tiles{kPanelBlocks,
                                   {{kRows[0][0], kRows[0][1], kRows[0][2], kRows[0][3], kRows[0][4]},
                                    {kRows[1][0], kRows[1][1], kRows[1][2], kRows[1][3], kRows[1][4]}},
                                   joined,
                                   pick_tile,
                                   pick_joined};

}  // namespace adze::ADZE_TARGET
