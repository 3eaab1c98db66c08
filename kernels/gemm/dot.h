// Products with fewer columns than a vector has lanes: lanes run along k, so that none idles.
//
//   c[i, j] = act( sum over k of a[i, k] w[j, k]  + bias[j] + residual[i, j] )
//
// The sum has 64 partial sums: k adds to sum k mod 64 by a fused multiply-add, in ascending order; then 0..15
// and 16..31, 32..47 and 48..63, and both results are added lane by lane, and the sixteen lanes folded by halves. The
// same bytes for any instruction set and range of rows. c must not overlap an operand; residual may be c.
#pragma once

#include <cstdint>

#include "kernels/core/activation.h"
#include "kernels/core/slice.h"
#include "kernels/core/table.h"

namespace adze {

struct DotArgs {
  std::int64_t n, k;
  const float* a;  // row i at a + i * lda, k floats
  std::int64_t lda;
  const float* w;  // row j at w + j * dot_pitch(k), zeros beyond k
  float* c;
  std::int64_t ldc;
  const float* bias;      // n floats, or null
  const float* residual;  // or null
  std::int64_t ldr;
  ActivationArgs activation;
};

// Floats between rows of w.
constexpr std::int64_t dot_pitch(std::int64_t k) { return (k + 15) / 16 * 16; }

// Packs w from at(k, j). REQUIRES: zeroed dst of n * dot_pitch(k) floats.
template <class At>
void pack_dots(std::int64_t k, std::int64_t n, float* dst, At at) {
  for (std::int64_t j = 0; j < n; j++) {
    for (std::int64_t i = 0; i < k; i++) dst[j * dot_pitch(k) + i] = at(i, j);
  }
}

// Whether this is faster than gemm_f32 for so many columns, with one row and with many together: the order of a sum may
// not depend on the batch.
bool dots_pay(std::int64_t k, std::int64_t n);

// Computes the rows [rows.begin, rows.end) of c.
using DotFn = void (*)(const DotArgs& args, Range rows);

extern const KernelTable<DotFn> dot_f32;

}  // namespace adze
