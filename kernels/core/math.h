// Elementary functions on f32x16, the same polynomial and so the same bytes on every instruction set. For variant
// sources only. Each states its error against the exact value, over the whole range unless said otherwise.
#pragma once

#include <limits>

#include "kernels/core/simd.h"

namespace adze::ADZE_TARGET {

// Round to nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves the integer in the low bits.
static ADZE_INLINE f32x16 round_small(const f32x16& x) { return (x + splat(0x1.8p23f)) - splat(0x1.8p23f); }

// 2^n for integral n in [-126, 127].
static ADZE_INLINE f32x16 exp2_integral(const f32x16& n) {
  const i32x16 integer = bits(n + splat(0x1.8p23f)) - splat_int(__builtin_bit_cast(std::int32_t, 0x1.8p23f));
  return from_bits(shift_left<23>(integer + splat_int(127)));
}

// exp(x) within 1 ulp; 0 below -103.97, +inf above 88.72, NaN for NaN; results below 2^-126 are denormal.
static ADZE_INLINE f32x16 exp(const f32x16& x) {
  const f32x16 clamped = min(splat(89.0f), max(splat(-104.0f), x));  // NaN stays: it is the second operand
  const f32x16 n = round_small(clamped * splat(1.44269504f));
  // Cody-Waite: ln 2 in two parts, the first exact in few bits.
  f32x16 r = fma(n, splat(-0.693359375f), clamped);
  r = fma(n, splat(2.12194440e-4f), r);
  f32x16 p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r + splat(1.0f));
  // Two factors, so that 2^n may leave the normal range on either side.
  const f32x16 half = round_small(n * splat(0.5f));
  return p * exp2_integral(half) * exp2_integral(n - half);
}

}  // namespace adze::ADZE_TARGET
