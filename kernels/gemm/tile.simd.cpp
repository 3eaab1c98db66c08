#include "kernels/gemm/tile.h"

#include <algorithm>
#include <utility>

#include "kernels/core/activate.h"

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
  ADZE_UNROLL for (int i = 0; i < MR; i++) {
    float* c = t.c + i * t.ldc;
    ADZE_UNROLL for (int j = 0; j < NV - 1; j++) store(c + j * kBlock, acc[i][j]);
    store_partial(c + (NV - 1) * kBlock, acc[i][NV - 1], t.last_lanes);
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
// over the stored tile, block by block.
void activate_stored(const TileArgs& t, int rows, int blocks) {
  with_activation(t.activation.kind, [&](auto kind) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < blocks; j++) {
        float* c = t.c + i * t.ldc + j * kBlock;
        const int lanes = j == blocks - 1 ? t.last_lanes : kBlock;
        store_partial(c, activate<kind()>(load_partial(c, lanes), t.activation.alpha, t.activation.beta), lanes);
      }
    }
  });
}

template <int MR, int NV>
void tile(const TileArgs& t) {
  f32x16 acc[MR][NV];
  load_start(t, acc);
  prefetch_below<MR, NV>(t);
  const float* b = t.b;
  const std::byte* next = t.next;
  for (std::int64_t tap = 0; tap < t.taps; tap++) {
    const float* a[MR];
    ADZE_UNROLL for (int i = 0; i < MR; i++) a[i] = t.a[tap * t.a_stride + i] + t.a_offset;
    std::int64_t k = 0;
    for (; k + kUnrollK <= t.kc; k += kUnrollK, b += kUnrollK * NV * kBlock) {
      ADZE_UNROLL for (int u = 0; u < kUnrollK; u++) {
        if (u % 2 == 0) {
          __builtin_prefetch(next, 0, 2);
          next += std::min(kUnrollK, 2) * t.next_step;
        }
        f32x16 row[NV];  // (nv * 16)
        ADZE_UNROLL for (int j = 0; j < NV; j++) row[j] = load(b + (u * NV + j) * kBlock);
        ADZE_UNROLL for (int i = 0; i < MR; i++) {
          const f32x16 x = splat(a[i][k + u]);
          ADZE_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = fma(x, row[j], acc[i][j]);
        }
      }
    }
    for (; k < t.kc; k++, b += NV * kBlock) {
      f32x16 row[NV];
      ADZE_UNROLL for (int j = 0; j < NV; j++) row[j] = load(b + j * kBlock);
      ADZE_UNROLL for (int i = 0; i < MR; i++) {
        const f32x16 x = splat(a[i][k]);
        ADZE_UNROLL for (int j = 0; j < NV; j++) acc[i][j] = fma(x, row[j], acc[i][j]);
      }
    }
  }
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

template <int NV, int... Rows>
TileFn pick(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr TileFn kTiles[] = {tile<Rows + 1, NV>...};
  return kTiles[rows - 1];
}

// Rows per tile: accumulators, one row of b and one broadcast must fit the registers, 32 of 16 lanes or 16 of 8.
#if defined(ADZE_TARGET_avx512)
constexpr int kRows[kMaxBlocks + 1] = {0, 16, 12, 8, 6};
constexpr int kPanelBlocks = 4;
#elif defined(ADZE_TARGET_avx2)
constexpr int kRows[kMaxBlocks + 1] = {0, 6, 0, 0, 0};
constexpr int kPanelBlocks = 1;
#else
constexpr int kRows[kMaxBlocks + 1] = {0, 4, 0, 0, 0};
constexpr int kPanelBlocks = 1;
#endif

TileFn pick_tile(int rows, int blocks) {
  switch (blocks) {
#if defined(ADZE_TARGET_avx512)
    case 4:
      return pick<4>(rows, std::make_integer_sequence<int, kRows[4]>{});
    case 3:
      return pick<3>(rows, std::make_integer_sequence<int, kRows[3]>{});
    case 2:
      return pick<2>(rows, std::make_integer_sequence<int, kRows[2]>{});
#endif
    default:
      return pick<1>(rows, std::make_integer_sequence<int, kRows[1]>{});
  }
}

}  // namespace

extern const TileSet gemm_tiles;
constinit const TileSet gemm_tiles{kPanelBlocks, {kRows[0], kRows[1], kRows[2], kRows[3], kRows[4]}, pick_tile};

}  // namespace adze::ADZE_TARGET
