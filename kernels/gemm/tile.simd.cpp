#include "kernels/gemm/tile.h"

#include <algorithm>
#include <utility>

#include "kernels/core/activate.h"
#include "kernels/core/half.h"
#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

// Steps of k that are written out. With sixteen registers GCC 12 loads the next step's operands early and spills an
// accumulator for each, so AVX2 takes one at a time.
#if defined(ADZE_TARGET_avx512)
constexpr int kUnrollK = 4;
#else
constexpr int kUnrollK = 1;
#endif

template <int MR, int NV>
ADZE_INLINE void load_start(const TileArgs& t, f32x16 (&acc)[MR][NV]) {
  if (t.first) {
    ADZE_UNROLL for (int j = 0; j < NV; j++) {
      const f32x16 start = t.bias ? load(t.bias + j * kBlock) : splat(0.0f);
      ADZE_UNROLL for (int i = 0; i < MR; i++) acc[i][j] = start;
    }
    return;
  }
  ADZE_UNROLL for (int i = 0; i < MR; i++) {
    const float* c = t.c + i * t.ldc;
    ADZE_UNROLL for (int j = 0; j < NV - 1; j++) acc[i][j] = load(c + j * kBlock);
    acc[i][NV - 1] = load_partial(c + (NV - 1) * kBlock, t.last_lanes);
  }
}

// The outputs of the tile that comes next lie a row apart, often a page each, where no hardware prefetcher looks. What
// lies beyond the last row is never read or written.
template <int MR, int NV>
ADZE_INLINE void prefetch_below(const TileArgs& t) {
  ADZE_UNROLL for (int i = 0; i < MR; i++) {
    ADZE_UNROLL for (int j = 0; j < NV; j++) __builtin_prefetch(t.c + (MR + i) * t.ldc + j * kBlock, 1);
  }
}

template <int MR, int NV>
ADZE_INLINE void store_all(const TileArgs& t, const f32x16 (&acc)[MR][NV]) {
  const bool whole = t.last_lanes == kBlock;
  float* c = t.c;
  const std::int64_t ldc = t.ldc;
  const int lanes = t.last_lanes;
  ADZE_UNROLL for (int i = 0; i < MR; i++, c += ldc) {
    ADZE_UNROLL for (int j = 0; j < NV - 1; j++) store(c + j * kBlock, acc[i][j]);
    if (whole) {
      store(c + (NV - 1) * kBlock, acc[i][NV - 1]);
    } else {
      store_partial(c + (NV - 1) * kBlock, acc[i][NV - 1], lanes);
    }
  }
}

template <int MR, int NV>
ADZE_INLINE void add_residual(const TileArgs& t, f32x16 (&acc)[MR][NV]) {
  ADZE_UNROLL for (int i = 0; i < MR; i++) {
    const float* r = t.residual + i * t.ldr;
    ADZE_UNROLL for (int j = 0; j < NV - 1; j++) acc[i][j] = acc[i][j] + load(r + j * kBlock);
    acc[i][NV - 1] = acc[i][NV - 1] + load_partial(r + (NV - 1) * kBlock, t.last_lanes);
  }
}

// Clipping needs two registers and stays with the accumulators. The long functions would push them out, so they run
// over the stored tile: in one go where it is all of c's columns, since with few of them most lanes would idle.
void activate_stored(const TileArgs& t, int rows, int blocks) {
  const std::int64_t columns = (blocks - 1) * kBlock + t.last_lanes;
  const bool flat = t.ldc == columns;
  const std::int64_t runs = flat ? 1 : rows, length = flat ? rows * columns : columns;
  with_activation(t.activation.kind, [&](auto kind) {
    const float alpha = t.activation.alpha, beta = t.activation.beta;
    for (std::int64_t i = 0; i < runs; i++) {
      float* c = t.c + i * t.ldc;
      for_blocks(length, [&](std::int64_t at, int lanes) {
        store_lanes(c + at, activate<kind()>(load_lanes(c + at, lanes), alpha, beta), lanes);
      });
    }
  });
}

// The accumulators of the k loop: the last block on half registers where no more columns exist.
// Blocks of b beyond the first PB of a panel are in the panels behind it, `pitch` floats apart.
template <int MR, int NV, bool Half, int PB>
struct Accumulators {
  static constexpr int kWhole = NV - Half;
  f32x16 whole[MR][kWhole + (kWhole == 0)];
  f32x8 half[MR];

  ADZE_INLINE void add(const float* const (&a)[MR], std::int64_t k, const float* b, std::int64_t pitch) {
    f32x16 row[NV];
    f32x8 rest;
    ADZE_UNROLL for (int j = 0; j < kWhole; j++) row[j] = load(b + j / PB * pitch + j % PB * kBlock);
    if constexpr (Half) rest = load_half(b + kWhole * kBlock);
    ADZE_UNROLL for (int i = 0; i < MR; i++) {
      const f32x16 x = splat(a[i][k]);
      ADZE_UNROLL for (int j = 0; j < kWhole; j++) whole[i][j] = fma(x, row[j], whole[i][j]);
      if constexpr (Half) half[i] = fma(low_half(x), rest, half[i]);
    }
  }
  ADZE_INLINE void from(const f32x16 (&acc)[MR][NV]) {
    ADZE_UNROLL for (int i = 0; i < MR; i++) {
      ADZE_UNROLL for (int j = 0; j < kWhole; j++) whole[i][j] = acc[i][j];
      if constexpr (Half) half[i] = low_half(acc[i][NV - 1]);
    }
  }
  ADZE_INLINE void to(f32x16 (&acc)[MR][NV]) const {
    ADZE_UNROLL for (int i = 0; i < MR; i++) {
      ADZE_UNROLL for (int j = 0; j < kWhole; j++) acc[i][j] = whole[i][j];
      if constexpr (Half) acc[i][NV - 1] = widen(half[i]);
    }
  }
};

// PB: blocks of one panel, fewer than NV where panels are joined.
template <int MR, int NV, bool Half, int PB = NV>
void tile(const TileArgs& t) {
  constexpr std::int64_t kStep = PB * kBlock;  // floats of b per step of k
  const std::int64_t pitch = t.b_pitch;
  f32x16 acc[MR][NV];
  load_start(t, acc);
  prefetch_below<MR, NV>(t);
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
      }
      ADZE_UNROLL for (int u = 0; u < kUnrollK; u++) sums.add(a, k + u, b + u * kStep, pitch);
    }
    for (; k < t.kc; k++, b += kStep) sums.add(a, k, b, pitch);
  }
  sums.to(acc);
  if (t.last && t.residual) add_residual(t, acc);
  if (t.last && t.activation.kind == Activation::clip) {
    ADZE_UNROLL for (int i = 0; i < MR; i++) {
      ADZE_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = clip(acc[i][j], t.activation.alpha, t.activation.beta);
    }
  }
  store_all(t, acc);
  if (t.last && t.activation.kind != Activation::clip && t.activation.kind != Activation::none) {
    activate_stored(t, MR, NV);
  }
}

template <int NV, bool Half, int... Rows>
TileFn pick_rows(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr TileFn kTiles[] = {tile<Rows + 1, NV, Half>...};
  return kTiles[rows - 1];
}

// Rows per tile: accumulators, one row of b and one broadcast must fit the registers, 32 of 16 lanes or 16 of 8, and
// the pointers to the rows of a the general ones, of which the loop leaves ten.
#if defined(ADZE_TARGET_avx512)
constexpr int kRows[2][kMaxBlocks + 1] = {{0, 10, 10, 8, 6}, {0, 10, 10, 8, 6}};
constexpr int kPanelBlocks = 4;
#elif defined(ADZE_TARGET_avx2)
constexpr int kRows[2][kMaxBlocks + 1] = {{0, 6, 0, 0, 0}, {0, 10, 0, 0, 0}};
constexpr int kPanelBlocks = 1;
#else
constexpr int kRows[2][kMaxBlocks + 1] = {{0, 4, 0, 0, 0}, {0, 4, 0, 0, 0}};
constexpr int kPanelBlocks = 1;
#endif

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
