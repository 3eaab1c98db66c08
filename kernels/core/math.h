// Elementary functions on f32x16, the same polynomial and so the same bytes on every instruction set. For variant
// sources only. Each states its error against the exact value, over the whole range unless said otherwise.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/core/simd.h"

namespace adze::ADZE_TARGET {

// Round to nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves the integer in the low bits.
static ADZE_INLINE f32x16 round_small(const f32x16& x) { return (x + splat(0x1.8p23f)) - splat(0x1.8p23f); }

// 2^n for integral n in [-126, 127].
static ADZE_INLINE f32x16 exp2_integral(const f32x16& n) {
  const i32x16 integer = bits(n + splat(0x1.8p23f)) - splat_int(__builtin_bit_cast(std::int32_t, 0x1.8p23f));
  return from_bits(shift_left<23>(integer + splat_int(127)));
}

// Polynomials below are minimax fits (iteratively reweighted least squares at Chebyshev nodes, in long double).

// exp(x) within 1 ulp; 0 below -103.97, +inf above 88.72, NaN for NaN; results below 2^-126 are denormal.
static ADZE_INLINE f32x16 exp(const f32x16& x) {
  const f32x16 clamped = min(splat(89.0f), max(splat(-104.0f), x));  // NaN stays: it is the second operand
  const f32x16 n = round_small(clamped * splat(1.44269504f));
  // Cody-Waite: ln 2 in two parts, the first exact in few bits.
  f32x16 r = fma(n, splat(-0.693359375f), clamped);
  r = fma(n, splat(2.12194440e-4f), r);
  f32x16 p = splat(1.9788157e-4f);
  p = fma(p, r, splat(1.3946866e-3f));
  p = fma(p, r, splat(8.333511e-3f));
  p = fma(p, r, splat(4.1666266e-2f));
  p = fma(p, r, splat(1.6666666e-1f));
  p = fma(p, r, splat(0.5f));
  p = fma(p, r * r, r) + splat(1.0f);
  // Two factors, so that 2^n may leave the normal range on either side.
  const f32x16 half = round_small(n * splat(0.5f));
  return p * exp2_integral(half) * exp2_integral(n - half);
}

// exp(-x) within 2 ulp for x in [-88.3, 86], where 2^n is one normal factor. NaN gives anything.
static ADZE_INLINE f32x16 exp_minus(const f32x16& x) {
  const f32x16 shifted = fma(x, splat(-1.44269504f), splat(0x1.8p23f));  // n in its low bits
  const f32x16 n = shifted - splat(0x1.8p23f);
  f32x16 r = fma(n, splat(0.693359375f), x);
  r = fma(n, splat(-2.12194440e-4f), r);
  f32x16 p = splat(1.3863712e-3f);
  p = fma(p, r, splat(-8.367558e-3f));
  p = fma(p, r, splat(4.166724e-2f));
  p = fma(p, r, splat(-1.6666533e-1f));
  p = fma(p, r, splat(0.5f));
  p = fma(p, r, splat(-1.0f));
  p = fma(p, r, splat(1.0f));
  return from_bits(bits(p) + shift_left<23>(bits(shifted)));
}

// exp(-x) for x >= 0 within 2 ulp; 0 above 86, where it nears the denormals, NaN for NaN.
static ADZE_INLINE f32x16 exp_decay(const f32x16& x) {
  const f32x16 e = fma(x, splat(0.0f), exp_minus(min(splat(86.0f), x)));  // NaN stays
  return select(x > splat(86.0f), splat(0.0f), e);
}

// Where exp_minus ends; sigmoid is smaller than any normal number before it, and 1 behind.
constexpr float kSigmoidLow = -88.3f, kSigmoidHigh = 86.0f;

// 1 / (1 + exp(-x)) within 2 ulp while the result is normal, never below 2^-128.
static ADZE_INLINE f32x16 sigmoid(const f32x16& x) {
  const f32x16 inside = min(splat(kSigmoidHigh), max(splat(kSigmoidLow), x));
  const f32x16 one = fma(inside, splat(0.0f), splat(1.0f));  // or NaN
  return splat(1.0f) / (one + exp_minus(inside));
}

// x sigmoid(x) within 2 ulp while sigmoid(x) is normal, and within 2^-120 of 0 for smaller x.
static ADZE_INLINE f32x16 silu(const f32x16& x) {
  const f32x16 above = max(splat(kSigmoidLow), x);
  return above / (splat(1.0f) + exp_minus(min(splat(kSigmoidHigh), above)));
}

// Natural logarithm within 1 ulp; -inf for 0, NaN below, +inf for +inf.
static ADZE_INLINE f32x16 log(const f32x16& x) {
  const mask16 tiny = x < splat(0x1p-126f);
  const f32x16 scaled = select(tiny, x * splat(0x1p25f), x);  // denormals become normal
  // x = 2^e m with m in [sqrt 1/2, sqrt 2): subtracting sqrt 1/2's bits leaves e in the exponent field.
  const std::int32_t kRoot = 0x3f3504f3;
  const i32x16 shifted = bits(scaled) - splat_int(kRoot);
  const f32x16 m = from_bits((shifted & splat_int(0x007fffff)) + splat_int(kRoot));
  const i32x16 exponent = shift_right<23>(shifted);
  f32x16 e = from_bits(exponent + splat_int(__builtin_bit_cast(std::int32_t, 0x1.8p23f))) - splat(0x1.8p23f);
  e = select(tiny, e - splat(25.0f), e);
  const f32x16 f = m - splat(1.0f);
  f32x16 p = splat(6.746358e-2f);
  p = fma(p, f, splat(-1.1715952e-1f));
  p = fma(p, f, splat(1.190997e-1f));
  p = fma(p, f, splat(-1.2400977e-1f));
  p = fma(p, f, splat(1.4216211e-1f));
  p = fma(p, f, splat(-1.666811e-1f));
  p = fma(p, f, splat(2.0002273e-1f));
  p = fma(p, f, splat(-2.500001e-1f));
  p = fma(p, f, splat(3.333331e-1f));
  const f32x16 f2 = f * f;
  f32x16 low = fma(e, splat(-2.12194440e-4f), p * f2 * f);
  low = fma(f2, splat(-0.5f), low);
  f32x16 result = fma(e, splat(0.693359375f), f + low);
  const float kInfinity = std::numeric_limits<float>::infinity();
  result = select(x == splat(kInfinity), x, result);
  result = select(x == splat(0.0f), splat(-kInfinity), result);
  return select(x >= splat(0.0f), result, splat(std::numeric_limits<float>::quiet_NaN()));
}

static ADZE_INLINE f32x16 copy_sign(const f32x16& magnitude, const f32x16& sign) {
  const i32x16 kSign = splat_int(std::numeric_limits<std::int32_t>::min());
  return from_bits((bits(magnitude) & splat_int(0x7fffffff)) | (bits(sign) & kSign));
}

// tanh(x) within 2 ulp, odd, never beyond 1.
static ADZE_INLINE f32x16 tanh(const f32x16& x) {
  const f32x16 s = x * x;
  f32x16 p = splat(-5.7170447e-3f);
  p = fma(p, s, splat(2.0650586e-2f));
  p = fma(p, s, splat(-5.3743497e-2f));
  p = fma(p, s, splat(1.3331491e-1f));
  p = fma(p, s, splat(-3.3333284e-1f));
  const f32x16 near_zero = fma(p * s, x, x);
  const f32x16 t = abs(x);
  const f32x16 doubled = max(splat(-40.0f), t * splat(-2.0f));  // tanh(20) rounds to 1; NaN stays
  const f32x16 one = fma(doubled, splat(0.0f), splat(1.0f));    // or NaN
  const f32x16 far = splat(1.0f) - splat(2.0f) / (exp_minus(doubled) + one);
  return select(t < splat(0.625f), near_zero, copy_sign(far, x));
}

// erf(x) within 2 ulp, odd, never beyond 1.
static ADZE_INLINE f32x16 erf(const f32x16& x) {
  const f32x16 s = x * x;
  f32x16 p = splat(8.345225e-5f);
  p = fma(p, s, splat(-8.1374374e-4f));
  p = fma(p, s, splat(5.2006342e-3f));
  p = fma(p, s, splat(-2.685927e-2f));
  p = fma(p, s, splat(1.1283694e-1f));
  p = fma(p, s, splat(-3.7612635e-1f));
  p = fma(p, s, splat(1.2837917e-1f));
  const f32x16 near_zero = fma(p, x, x);
  const f32x16 t = min(splat(4.0f), abs(x));  // erf(4) rounds to 1; NaN stays
  f32x16 q = splat(-1.0763368e-5f);           // log(erfc(t)) = t q(t) - t
  q = fma(q, t, splat(3.1806153e-4f));
  q = fma(q, t, splat(-3.6229258e-3f));
  q = fma(q, t, splat(2.3720201e-2f));
  q = fma(q, t, splat(-1.0618763e-1f));
  q = fma(q, t, splat(-6.351815e-1f));
  q = fma(q, t, splat(-1.2864096e-1f));
  const f32x16 one = fma(t, splat(0.0f), splat(1.0f));  // or NaN
  const f32x16 far = one - exp_minus(fma(-q, t, t));
  return select(abs(x) < splat(0.92f), near_zero, copy_sign(far, x));
}

// log(1 + exp(x)) without overflow: max(x, 0) + log(1 + exp(-|x|)).
static ADZE_INLINE f32x16 softplus(const f32x16& x) {
  const f32x16 e = exp(-abs(x));
  // log(1 + e) loses e's low bits in the sum; e / ((1 + e) - 1) gives them back (Kahan).
  const f32x16 one_plus = splat(1.0f) + e;
  const f32x16 rest = one_plus - splat(1.0f);
  const f32x16 corrected = select(rest == splat(0.0f), e, log(one_plus) * (e / rest));
  return max(splat(0.0f), x) + corrected;
}

}  // namespace adze::ADZE_TARGET
