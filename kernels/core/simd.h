// f32x16: sixteen floats, the one vector type of all kernels, whatever the registers' width. A reduction that keeps
// sixteen partial sums therefore adds in the same order on every instruction set, and elementwise code needs no width.
//
// For variant sources only (x.simd.cpp, x.avx2.cpp, ...): all is in the namespace of ADZE_TARGET. The registers are
// xsimd's; the portable target uses plain arrays and std::fma, which rounds once like the instruction.
#pragma once

#if !defined(ADZE_TARGET)
#error "kernels/core/simd.h is for variant sources: name the file x.simd.cpp, x.avx2.cpp or x.avx512.cpp"
#endif

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(ADZE_TARGET_avx2) || defined(ADZE_TARGET_avx512)
#include <immintrin.h>

#include <xsimd/xsimd.hpp>
#define ADZE_XSIMD 1
#endif

#define ADZE_INLINE __attribute__((always_inline)) inline
// GCC keeps an accumulator array in registers only if every constant loop over it is unrolled at once.
#define ADZE_UNROLL _Pragma("GCC unroll 64")

namespace adze::ADZE_TARGET {

#if defined(ADZE_TARGET_avx512)
using FloatReg = xsimd::batch<float, xsimd::avx512bw>;
using IntReg = xsimd::batch<std::int32_t, xsimd::avx512bw>;
using MaskReg = xsimd::batch_bool<float, xsimd::avx512bw>;
constexpr int kRegLanes = 16;
#elif defined(ADZE_TARGET_avx2)
using FloatReg = xsimd::batch<float, xsimd::fma3<xsimd::avx2> >;
using IntReg = xsimd::batch<std::int32_t, xsimd::fma3<xsimd::avx2> >;
using MaskReg = xsimd::batch_bool<float, xsimd::fma3<xsimd::avx2> >;
constexpr int kRegLanes = 8;
#else
using FloatReg = float;
using IntReg = std::int32_t;
using MaskReg = bool;
constexpr int kRegLanes = 1;
#endif

constexpr int kLanes = 16;
constexpr int kRegs = kLanes / kRegLanes;

struct f32x16 {
  FloatReg v[kRegs];
};
struct i32x16 {
  IntReg v[kRegs];
};
struct mask16 {
  MaskReg v[kRegs];
};

// Does `statement` for each register index i. Written out for one or two of them: GCC keeps arrays of f32x16 in
// registers only when every index is a constant before it looks for such arrays.
#if defined(ADZE_TARGET_avx512)
#define ADZE_EACH(statement) \
  {                          \
    constexpr int i = 0;     \
    statement;               \
  }
#elif defined(ADZE_TARGET_avx2)
#define ADZE_EACH(statement) \
  {                          \
    constexpr int i = 0;     \
    statement;               \
  }                          \
  {                          \
    constexpr int i = 1;     \
    statement;               \
  }
#else
#define ADZE_EACH(statement) \
  for (int i = 0; i < kRegs; i++) statement;
#endif

// ---- memory -------------------------------------------------------------------------------------------------------

static ADZE_INLINE f32x16 splat(float x) {
  f32x16 r;
  ADZE_EACH(r.v[i] = FloatReg(x));
  return r;
}

static ADZE_INLINE f32x16 load(const float* p) {
  f32x16 r;
#if defined(ADZE_XSIMD)
  ADZE_EACH(r.v[i] = FloatReg::load_unaligned(p + i * kRegLanes));
#else
  ADZE_EACH(r.v[i] = p[i]);
#endif
  return r;
}

static ADZE_INLINE void store(float* p, const f32x16& a) {
#if defined(ADZE_XSIMD)
  ADZE_EACH(a.v[i].store_unaligned(p + i * kRegLanes));
#else
  ADZE_EACH(p[i] = a.v[i]);
#endif
}

#if defined(ADZE_TARGET_avx2)
static ADZE_INLINE __m256i lane_mask(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The first n (0 to 8) lanes of one register, piece by piece: Zen takes dozens of steps for a masked store.
static ADZE_INLINE void store_lanes_of(float* p, __m256 a, int n) {
  if (n == 8) return _mm256_storeu_ps(p, a);
  __m128 quad = _mm256_castps256_ps128(a);
  if (n & 4) {
    _mm_storeu_ps(p, quad);
    quad = _mm256_extractf128_ps(a, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), quad);
    quad = _mm_movehl_ps(quad, quad);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, quad);
}
#endif

// The first n (0 to 16) lanes; the others are 0 and their memory is not touched.
static ADZE_INLINE f32x16 load_partial(const float* p, int n) {
  f32x16 r;
#if defined(ADZE_TARGET_avx512)
  r.v[0] = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(ADZE_TARGET_avx2)
  r.v[0] = _mm256_maskload_ps(p, lane_mask(n));
  r.v[1] = _mm256_maskload_ps(p + 8, lane_mask(n - 8));
#else
  for (int i = 0; i < kLanes; i++) r.v[i] = i < n ? p[i] : 0.0f;
#endif
  return r;
}

static ADZE_INLINE void store_partial(float* p, const f32x16& a, int n) {
#if defined(ADZE_TARGET_avx512)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), a.v[0]);
#elif defined(ADZE_TARGET_avx2)
  if (n >= 8) {
    _mm256_storeu_ps(p, a.v[0]);
    store_lanes_of(p + 8, a.v[1], n - 8);
  } else {
    store_lanes_of(p, a.v[0], n);
  }
#else
  for (int i = 0; i < n; i++) p[i] = a.v[i];
#endif
}

// ---- arithmetic ---------------------------------------------------------------------------------------------------

// static type name params: the expression for each register i.
#define ADZE_LANEWISE(type, name, params, expression) \
  static ADZE_INLINE type name params {               \
    type r;                                           \
    ADZE_EACH(r.v[i] = (expression));                 \
    return r;                                         \
  }

ADZE_LANEWISE(f32x16, operator+, (const f32x16& a, const f32x16& b), a.v[i] + b.v[i])
ADZE_LANEWISE(f32x16, operator-, (const f32x16& a, const f32x16& b), a.v[i] - b.v[i])
ADZE_LANEWISE(f32x16, operator*, (const f32x16& a, const f32x16& b), a.v[i] * b.v[i])
ADZE_LANEWISE(f32x16, operator/, (const f32x16& a, const f32x16& b), a.v[i] / b.v[i])

ADZE_LANEWISE(mask16, operator<, (const f32x16& a, const f32x16& b), a.v[i] < b.v[i])
ADZE_LANEWISE(mask16, operator>, (const f32x16& a, const f32x16& b), a.v[i] > b.v[i])
ADZE_LANEWISE(mask16, operator<=, (const f32x16& a, const f32x16& b), a.v[i] <= b.v[i])
ADZE_LANEWISE(mask16, operator>=, (const f32x16& a, const f32x16& b), a.v[i] >= b.v[i])
ADZE_LANEWISE(mask16, operator==, (const f32x16& a, const f32x16& b), a.v[i] == b.v[i])

#if defined(ADZE_XSIMD)
// a b + c, rounded once. xsimd 8.1 multiplies and adds in two roundings on AVX-512, so the instruction is named here.
#if defined(ADZE_TARGET_avx512)
ADZE_LANEWISE(f32x16, fma, (const f32x16& a, const f32x16& b, const f32x16& c),
              FloatReg(_mm512_fmadd_ps(a.v[i], b.v[i], c.v[i])))
#else
ADZE_LANEWISE(f32x16, fma, (const f32x16& a, const f32x16& b, const f32x16& c),
              FloatReg(_mm256_fmadd_ps(a.v[i], b.v[i], c.v[i])))
#endif
// As the x86 instructions: the second operand when either is NaN, so max(lo, x) keeps a NaN x.
ADZE_LANEWISE(f32x16, min, (const f32x16& a, const f32x16& b), xsimd::min(a.v[i], b.v[i]))
ADZE_LANEWISE(f32x16, max, (const f32x16& a, const f32x16& b), xsimd::max(a.v[i], b.v[i]))
ADZE_LANEWISE(f32x16, sqrt, (const f32x16& a), xsimd::sqrt(a.v[i]))
ADZE_LANEWISE(f32x16, abs, (const f32x16& a), xsimd::abs(a.v[i]))
ADZE_LANEWISE(f32x16, floor, (const f32x16& a), xsimd::floor(a.v[i]))
ADZE_LANEWISE(f32x16, ceil, (const f32x16& a), xsimd::ceil(a.v[i]))
ADZE_LANEWISE(f32x16, select, (const mask16& m, const f32x16& a, const f32x16& b),
              xsimd::select(m.v[i], a.v[i], b.v[i]))
ADZE_LANEWISE(i32x16, bits, (const f32x16& a), xsimd::bitwise_cast<IntReg>(a.v[i]))
ADZE_LANEWISE(f32x16, from_bits, (const i32x16& a), xsimd::bitwise_cast<FloatReg>(a.v[i]))
#else
ADZE_LANEWISE(f32x16, fma, (const f32x16& a, const f32x16& b, const f32x16& c), std::fma(a.v[i], b.v[i], c.v[i]))
ADZE_LANEWISE(f32x16, min, (const f32x16& a, const f32x16& b), a.v[i] < b.v[i] ? a.v[i] : b.v[i])
ADZE_LANEWISE(f32x16, max, (const f32x16& a, const f32x16& b), a.v[i] > b.v[i] ? a.v[i] : b.v[i])
ADZE_LANEWISE(f32x16, sqrt, (const f32x16& a), std::sqrt(a.v[i]))
ADZE_LANEWISE(f32x16, abs, (const f32x16& a), std::fabs(a.v[i]))
ADZE_LANEWISE(f32x16, floor, (const f32x16& a), std::floor(a.v[i]))
ADZE_LANEWISE(f32x16, ceil, (const f32x16& a), std::ceil(a.v[i]))
ADZE_LANEWISE(f32x16, select, (const mask16& m, const f32x16& a, const f32x16& b), m.v[i] ? a.v[i] : b.v[i])
ADZE_LANEWISE(i32x16, bits, (const f32x16& a), __builtin_bit_cast(std::int32_t, a.v[i]))
ADZE_LANEWISE(f32x16, from_bits, (const i32x16& a), __builtin_bit_cast(float, a.v[i]))
#endif

// The first n (0 to 16) lanes.
static ADZE_INLINE mask16 first_lanes(int n) {
  alignas(64) static constexpr float kIndex[kLanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load(kIndex) < splat(static_cast<float>(n));
}

// As ONNX wants them: NaN when either is. min and max give their second operand then, so a NaN `a` stays by itself,
// and a chain of them over `a` is two instructions long.
static ADZE_INLINE f32x16 min_nan(const f32x16& a, const f32x16& b) { return select(b == b, min(b, a), b); }
static ADZE_INLINE f32x16 max_nan(const f32x16& a, const f32x16& b) { return select(b == b, max(b, a), b); }

// Integers wrap around.
#if defined(ADZE_XSIMD)
ADZE_LANEWISE(i32x16, operator+, (const i32x16& a, const i32x16& b), a.v[i] + b.v[i])
ADZE_LANEWISE(i32x16, operator-, (const i32x16& a, const i32x16& b), a.v[i] - b.v[i])
#else
ADZE_LANEWISE(i32x16, operator+, (const i32x16& a, const i32x16& b),
              static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) + static_cast<std::uint32_t>(b.v[i])))
ADZE_LANEWISE(i32x16, operator-, (const i32x16& a, const i32x16& b),
              static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) - static_cast<std::uint32_t>(b.v[i])))
#endif
static ADZE_INLINE i32x16 splat_int(std::int32_t x) {
  i32x16 r;
  ADZE_EACH(r.v[i] = IntReg(x));
  return r;
}
ADZE_LANEWISE(i32x16, operator&, (const i32x16& a, const i32x16& b), a.v[i] & b.v[i])
ADZE_LANEWISE(i32x16, operator|, (const i32x16& a, const i32x16& b), a.v[i] | b.v[i])
ADZE_LANEWISE(i32x16, operator^, (const i32x16& a, const i32x16& b), a.v[i] ^ b.v[i])
template <int N>
ADZE_LANEWISE(i32x16, shift_left, (const i32x16& a), a.v[i] << N)
template <int N>
ADZE_LANEWISE(i32x16, shift_right, (const i32x16& a), a.v[i] >> N)

// By the sign bit, so that zeros and NaN change theirs too; xsimd subtracts from 0.
static ADZE_INLINE f32x16 operator-(const f32x16& a) {
  return from_bits(bits(a) ^ splat_int(INT32_MIN));
}

// ---- across lanes: a fixed tree, halves folded onto halves -------------------------------------------------------

template <class Combine>
static ADZE_INLINE float fold(const f32x16& a, Combine combine) {
  alignas(64) float x[kLanes];
  store(x, a);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) x[i] = combine(x[i], x[i + width]);
  }
  return x[0];
}
#if defined(ADZE_XSIMD)
// fold with `combine` on four lanes at a time, and its lower lanes in the end.
template <class Combine>
static ADZE_INLINE float fold_registers(const f32x16& a, Combine combine) {
#if defined(ADZE_TARGET_avx512)
  const __m256 low = _mm512_castps512_ps256(a.v[0]), high = _mm512_extractf32x8_ps(a.v[0], 1);
#else
  const __m256 low = a.v[0], high = a.v[1];
#endif
  const __m128 even = combine(_mm256_castps256_ps128(low), _mm256_castps256_ps128(high));
  const __m128 odd = combine(_mm256_extractf128_ps(low, 1), _mm256_extractf128_ps(high, 1));
  const __m128 four = combine(even, odd);
  const __m128 two = combine(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(combine(two, _mm_shuffle_ps(two, two, 1)));
}
static ADZE_INLINE float sum(const f32x16& a) {
  return fold_registers(a, [](__m128 x, __m128 y) { return _mm_add_ps(x, y); });
}
// NaN when a lane is: the instruction gives its second operand then, which may be the other one.
static ADZE_INLINE float max_of(const f32x16& a) {
  return fold_registers(a,
                        [](__m128 x, __m128 y) { return _mm_blendv_ps(_mm_max_ps(x, y), x, _mm_cmpunord_ps(x, x)); });
}
static ADZE_INLINE float min_of(const f32x16& a) {
  return fold_registers(a,
                        [](__m128 x, __m128 y) { return _mm_blendv_ps(_mm_min_ps(x, y), x, _mm_cmpunord_ps(x, x)); });
}
#else
static ADZE_INLINE float sum(const f32x16& a) {
  return fold(a, [](float x, float y) { return x + y; });
}
static ADZE_INLINE float max_of(const f32x16& a) {
  return fold(a, [](float x, float y) { return x != x || x > y ? x : y; });
}
static ADZE_INLINE float min_of(const f32x16& a) {
  return fold(a, [](float x, float y) { return x != x || x < y ? x : y; });
}
#endif

}  // namespace adze::ADZE_TARGET
