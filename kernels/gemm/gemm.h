// C = act(A B + bias + residual) with packed B, and everything that has this shape: the rows of A may be scattered
// and come in several taps (kernels/gemm/tile.h), so a convolution is a GEMM with m = output pixels.
//
// Packed B: the n columns are cut into panels of 1 to 4 blocks of 16 (panel_of), panel after panel, each
// [k][width] row-major with zeros beyond column n, 64-byte aligned. k = taps * kc, tap by tap.
//
// m, n or k may be 0: without k, C is act(bias + residual). The result is the same for any slicing.
#pragma once

#include <cstdint>

#include "kernels/core/cancel.h"
#include "kernels/core/slice.h"
#include "kernels/gemm/order.h"
#include "kernels/gemm/tile.h"

namespace adze {

struct Panel {
  std::int64_t first_block;
  int blocks;
};
std::int64_t panel_count(std::int64_t n, int max_blocks);
Panel panel_of(std::int64_t index, std::int64_t n, int max_blocks);

inline std::int64_t blocks_of(std::int64_t n) { return (n + kBlock - 1) / kBlock; }
// Floats of packed B.
inline std::int64_t packed_b_size(std::int64_t k, std::int64_t n) { return k * blocks_of(n) * kBlock; }

// Packs column by column of at(k, n); at is called once per element. `dst` is zeroed where there is no column.
template <class At>
void pack_b(std::int64_t k, std::int64_t n, int max_blocks, float* dst, At at) {
  for (std::int64_t p = 0, panels = panel_count(n, max_blocks); p < panels; p++) {
    const Panel panel = panel_of(p, n, max_blocks);
    for (std::int64_t row = 0; row < k; row++) {
      for (std::int64_t j = 0; j < panel.blocks * kBlock; j++) {
        const std::int64_t column = panel.first_block * kBlock + j;
        *dst++ = column < n ? at(row, column) : 0.0f;
      }
    }
  }
}

// Gives the row pointers of A: out[(t - taps.begin) * stride + (i - rows.begin)] for every tap t and row i.
using RowsFn = void (*)(const void* context, Range rows, Range taps, const float** out, std::int64_t stride);

// The floats of A, rows times k, that gemm_f32 asks a RowsFn for at once, at most.
std::int64_t gemm_rows_size(std::int64_t taps, std::int64_t kc, std::int64_t n, const GemmOrder& order = {});

struct GemmArgs {
  std::int64_t m, n;
  std::int64_t taps, kc;
  RowsFn rows;
  const void* context;
  const float* b;  // packed for `tiles`
  float* c;
  std::int64_t ldc;
  const float* bias;      // n floats padded to a multiple of 16, or null
  const float* residual;  // [m, n], or null
  std::int64_t ldr;
  ActivationArgs activation;
  const TileSet* tiles;
  GemmOrder order = {};
};

// Computes this slice's share of C. Returns early when `cancel` is raised.
void gemm_f32(const GemmArgs& args, Slice slice, const CancelFlag& cancel);

// RowsFn of an ordinary matrix: one tap, row i at a + i * lda.
struct MatrixRows {
  const float* a;
  std::int64_t lda;
};
void matrix_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride);

}  // namespace adze
