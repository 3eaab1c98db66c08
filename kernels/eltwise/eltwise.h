// Elementwise f32 functions over contiguous elements.
//
//   activate_f32   dst[i] = activation(src[i])
//   unary_f32      dst[i] = op(src[i])
//   binary_f32     dst[i] = op(a[i * a_step], b[i * b_step]), steps 0 (one value) or 1
//
// dst may be src, a or b when that operand's step is 1. n may be 0. NaN operands give NaN, in min and max too.
#pragma once

#include <cstdint>

#include "kernels/core/activation.h"
#include "kernels/core/table.h"

namespace adze {

enum class UnaryOp : std::uint8_t { abs, neg, reciprocal, sqrt, exp, log, floor, ceil, round, sign, erf, softsign };

enum class BinaryOp : std::uint8_t {
  add,
  sub,
  mul,
  div,
  min,
  max,
  prelu,  // a < 0 ? a b : a
};

using ActivateFn = void (*)(ActivationArgs activation, const float* src, float* dst, std::int64_t n);
using UnaryFn = void (*)(UnaryOp op, const float* src, float* dst, std::int64_t n);
using BinaryFn = void (*)(BinaryOp op, const float* a, int a_step, const float* b, int b_step, float* dst,
                          std::int64_t n);

extern const KernelTable<ActivateFn> activate_f32;
extern const KernelTable<UnaryFn> unary_f32;
extern const KernelTable<BinaryFn> binary_f32;

}  // namespace adze
