// The register tile that GEMM, 1x1 and indirect convolution share.
//
//   c[i, j] = act( b0[j] + sum over taps t and k of a[t][i][k] * b[t][k][j]  + residual[i, j] )
//
// for mr rows i and nv * 16 columns j. One chain of fused multiply-adds per output, in the order of t, then k, starting
// from the bias (or from c when the sum is continued): the same bytes for every tile size and instruction set.
//
// `a` holds a pointer per tap and row, so rows may lie anywhere; a row of zeros stands for padding. `b` is packed:
// [taps][kc][nv * 16], zero beyond the last column. c and residual are written and read for the first
// (nv - 1) * 16 + last_lanes columns only. c must not overlap a or b; residual may be c.
//
// With few rows a tile may take several panels of max_blocks blocks at once, b_pitch floats apart: one panel alone
// gives too few chains to hide the multiply-add's latency, or one stream where memory serves several faster.
//
// While it computes, a tile asks for a stretch of memory that is needed later: evenly, so that the line buffers never
// fill up, and without waiting for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/core/activation.h"
#include "kernels/core/table.h"

namespace adze {

struct TileArgs {
  const float* const* a;  // row i of tap t at a[t * a_stride + i]
  std::int64_t a_stride;
  std::int64_t a_offset;  // floats added to each row pointer
  std::int64_t taps;
  std::int64_t kc;  // floats of each row
  const float* b;
  std::int64_t b_pitch;  // of joined panels
  float* c;
  std::int64_t ldc;
  const float* bias;      // nv * 16 floats readable, or null: zero
  const float* residual;  // or null
  std::int64_t ldr;
  const std::byte* next;   // where to prefetch into L2, any address,
  std::int64_t next_step;  // and how many bytes further with each four steps of k
  int last_lanes;          // 1 to 16: columns of the last block
  bool first;              // start from the bias, else from c
  bool last;               // add the residual and activate
  ActivationArgs activation;
};

using TileFn = void (*)(const TileArgs& args);

constexpr int kBlock = 16;     // columns of one vector block
constexpr int kMaxBlocks = 4;  // of a panel
constexpr int kHalfBlock = 8;  // a last block of no more columns is computed on half registers

// The tiles of one instruction set: how many blocks a panel has at most, how many rows a tile of nv blocks has at most
// before accumulators leave the registers, and the function for each.
struct TileSet {
  int max_blocks;
  int rows[2][kMaxBlocks + 1];       // [1]: with half of the last block
  int (*joined)(std::int64_t rows);  // panels that a tile of so many rows takes at once
  TileFn (*pick)(int rows, int blocks, bool half);
  TileFn (*pick_joined)(int rows, int panels);

  static constexpr bool is_half(int last_lanes) { return last_lanes <= kHalfBlock; }
  int max_rows(int blocks, int last_lanes) const { return rows[is_half(last_lanes)][blocks]; }
  TileFn tile(int mr, int blocks, int last_lanes) const { return pick(mr, blocks, is_half(last_lanes)); }
};

extern const KernelTable<const TileSet*> gemm_tile_f32;

constexpr std::int64_t kPrefetchSteps = 4;  // of k

// TileArgs::next_step of `count` tiles that share out a stretch of `bytes` per step of k. More than two lines at each
// step would fill the line buffers.
inline std::int64_t prefetch_share(std::int64_t bytes, std::int64_t count) {
  constexpr std::int64_t kMost = kPrefetchSteps * 2 * 64;
  const std::int64_t share = (bytes * kPrefetchSteps + count - 1) / count;
  return share < kMost ? share : kMost;
}

}  // namespace adze
