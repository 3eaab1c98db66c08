#include <utility>

#include "kernels/conv/planar.h"
#include "kernels/gemm/tile_parts.h"

namespace adze::ADZE_TARGET {
namespace {

// Rows per tile of one half block. No pointers to rows as in kernels/gemm: accumulators alone fill the registers, and
// with so few columns and little depth a tile's beginning and end weigh most.
#if defined(ADZE_TARGET_avx512)
constexpr int kHalfRows = 14;
#elif defined(ADZE_TARGET_avx2)
constexpr int kHalfRows = 12;
#else
constexpr int kHalfRows = kRows[1][1];
#endif

template <int S, int MR, int NV, bool Half>
void tile(const PlanarTile& args) {
  const TileArgs& t = args.tile;
  f32x16 acc[MR][NV];
  load_start(t, acc);
  RowsAhead<MR, NV> ahead(t);
  ahead.start(t, t.kc / kUnrollK);
  Accumulators<MR, NV, Half, NV> sums;
  sums.from(acc);
  const float* b = t.b;
  const float* src = args.src;
  const std::int32_t* offsets = args.offsets;
  std::int64_t k = 0;
  for (; k + kUnrollK <= t.kc; k += kUnrollK, b += kUnrollK * NV * kBlock) {
    ahead.step(t);
    ADZE_UNROLL for (int u = 0; u < kUnrollK; u++) {
      const float* x = src + offsets[k + u];
      sums.add([x](int i) { return x[i * S]; }, b + u * NV * kBlock, 0);
    }
  }
  for (; k < t.kc; k++, b += NV * kBlock) {
    const float* x = src + offsets[k];
    sums.add([x](int i) { return x[i * S]; }, b, 0);
  }
  sums.to(acc);
  finish(t, acc);
}

template <int S, int NV, bool Half, int... Rows>
PlanarTileFn pick_rows(int rows, std::integer_sequence<int, Rows...>) {
  static constexpr PlanarTileFn kTiles[] = {tile<S, Rows + 1, NV, Half>...};
  return kTiles[rows - 1];
}

// Half registers for a single block only: behind others they save little.
template <int S>
PlanarTileFn pick_blocks(int rows, int blocks, bool half) {
  switch (blocks) {
#if defined(ADZE_TARGET_avx512)
    case 4:
      return pick_rows<S, 4, false>(rows, std::make_integer_sequence<int, kRows[0][4]>{});
    case 3:
      return pick_rows<S, 3, false>(rows, std::make_integer_sequence<int, kRows[0][3]>{});
    case 2:
      return pick_rows<S, 2, false>(rows, std::make_integer_sequence<int, kRows[0][2]>{});
#endif
    default:
      return half ? pick_rows<S, 1, true>(rows, std::make_integer_sequence<int, kHalfRows>{})
                  : pick_rows<S, 1, false>(rows, std::make_integer_sequence<int, kRows[0][1]>{});
  }
}

PlanarTileFn pick(int rows, int blocks, bool half, std::int64_t stride) {
  switch (stride) {
    case 1:
      return pick_blocks<1>(rows, blocks, half);
    case 2:
      return pick_blocks<2>(rows, blocks, half);
    case 4:
      return pick_blocks<4>(rows, blocks, half);
    default:
      return nullptr;
  }
}

}  // namespace

extern const PlanarTiles planar_tiles;
constinit const PlanarTiles planar_tiles{
    {{0, kRows[0][1], kRows[0][2], kRows[0][3], kRows[0][4]}, {0, kHalfRows, kRows[0][2], kRows[0][3], kRows[0][4]}},
    pick};

}  // namespace adze::ADZE_TARGET
