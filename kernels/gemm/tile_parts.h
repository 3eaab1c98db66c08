// What the register tiles are made of. For variant sources only.
#pragma once

#include "kernels/core/activate.h"
#include "kernels/core/half.h"
#include "kernels/core/lanes.h"
#include "kernels/gemm/tile.h"

namespace adze::ADZE_TARGET {

// Steps of k that are written out. With sixteen registers GCC 12 loads the next step's operands early and spills an
// accumulator for each, so AVX2 takes one at a time.
#if defined(ADZE_TARGET_avx512)
constexpr int kUnrollK = 4;
#else
constexpr int kUnrollK = 1;
#endif

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

// The outputs of the tile that comes next lie a row apart, often a page each, where no hardware prefetcher looks, and
// so does the residual that this tile adds in the end. What lies beyond the last row is never read or written.
//
// They are asked for row by row where a tile has so many lines that all at once would fill the line buffers.
template <int MR, int NV>
struct RowsAhead {
  static constexpr bool kSpread = MR * NV > 16;

  explicit ADZE_INLINE RowsAhead(const TileArgs& t) : count(t.last && t.residual ? 2 * MR : MR) {}

  // Before the first of so many steps, in each of which step() follows.
  ADZE_INLINE void start(const TileArgs& t, std::int64_t steps) {
    const std::int64_t first = kSpread ? count - steps : count;
    ADZE_UNROLL for (int i = 0; i < MR; i++) {
      if (i < first) row(t, i);
    }
    if (first > MR) {
      ADZE_UNROLL for (int i = MR; i < 2 * MR; i++) {
        if (i < first) row(t, i);
      }
    }
    next = first > 0 ? first : 0;
  }
  ADZE_INLINE void step(const TileArgs& t) {
    if (kSpread && next < count) row(t, next++);
  }

  std::int64_t count, next = 0;

 private:
  static ADZE_INLINE void row(const TileArgs& t, std::int64_t i) {
    if (i < MR) {
      const float* c = t.c + (MR + i) * t.ldc;
      ADZE_UNROLL for (int j = 0; j < NV; j++) __builtin_prefetch(c + j * kBlock, 1);
    } else {
      const float* residual = t.residual + (i - MR) * t.ldr;
      ADZE_UNROLL for (int j = 0; j < NV; j++) __builtin_prefetch(residual + j * kBlock);
    }
  }
};

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
static void activate_stored(const TileArgs& t, int rows, int blocks) {
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

  // x_of(i) is the element of row i.
  template <class X>
  ADZE_INLINE void add(X x_of, const float* b, std::int64_t pitch) {
    f32x16 row[NV];
    f32x8 rest;
    ADZE_UNROLL for (int j = 0; j < kWhole; j++) row[j] = load(b + j / PB * pitch + j % PB * kBlock);
    if constexpr (Half) rest = load_half(b + kWhole * kBlock);
    ADZE_UNROLL for (int i = 0; i < MR; i++) {
      const float x = x_of(i);
      ADZE_UNROLL for (int j = 0; j < kWhole; j++) whole[i][j] = fma(splat(x), row[j], whole[i][j]);
      if constexpr (Half) half[i] = fma(splat_half(x), rest, half[i]);
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

template <int MR, int NV>
ADZE_INLINE void finish(const TileArgs& t, f32x16 (&acc)[MR][NV]) {
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

}  // namespace adze::ADZE_TARGET
