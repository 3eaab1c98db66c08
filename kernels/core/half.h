// f32x8, the lower half of an f32x16, and Vec, the wider of the two of which a dozen and more fit the registers. For
// variant sources only.
#pragma once

#include "kernels/core/simd.h"

namespace adze::ADZE_TARGET {

struct f32x8 {
#if defined(ADZE_XSIMD)
  __m256 v;
#else
  float v[8];
#endif
};

static ADZE_INLINE f32x8 low_half(const f32x16& a) {
#if defined(ADZE_TARGET_avx512)
  return {_mm512_castps512_ps256(a.v[0])};
#elif defined(ADZE_TARGET_avx2)
  return {a.v[0]};
#else
  f32x8 r;
  for (int i = 0; i < 8; i++) r.v[i] = a.v[i];
  return r;
#endif
}

// Zeros above.
static ADZE_INLINE f32x16 widen(const f32x8& a) {
  f32x16 r;
#if defined(ADZE_TARGET_avx512)
  r.v[0] = _mm512_zextps256_ps512(a.v);
#elif defined(ADZE_TARGET_avx2)
  r.v[0] = a.v;
  r.v[1] = FloatReg(0.0f);
#else
  for (int i = 0; i < kLanes; i++) r.v[i] = i < 8 ? a.v[i] : 0.0f;
#endif
  return r;
}

static ADZE_INLINE f32x8 load_half(const float* p) {
#if defined(ADZE_XSIMD)
  return {_mm256_loadu_ps(p)};
#else
  f32x8 r;
  for (int i = 0; i < 8; i++) r.v[i] = p[i];
  return r;
#endif
}

#if defined(ADZE_XSIMD)
#define ADZE_HALF(name, params, instruction, scalar) \
  static ADZE_INLINE f32x8 name params { return {instruction}; }
#else
#define ADZE_HALF(name, params, instruction, scalar) \
  static ADZE_INLINE f32x8 name params {             \
    f32x8 r;                                         \
    for (int i = 0; i < 8; i++) r.v[i] = (scalar);   \
    return r;                                        \
  }
#endif
ADZE_HALF(splat_half, (float x), _mm256_set1_ps(x), x)
ADZE_HALF(fma, (const f32x8& a, const f32x8& b, const f32x8& c), _mm256_fmadd_ps(a.v, b.v, c.v),
          std::fma(a.v[i], b.v[i], c.v[i]))
ADZE_HALF(operator+, (const f32x8& a, const f32x8& b), _mm256_add_ps(a.v, b.v), a.v[i] + b.v[i])
ADZE_HALF(operator-, (const f32x8& a, const f32x8& b), _mm256_sub_ps(a.v, b.v), a.v[i] - b.v[i])
ADZE_HALF(operator*, (const f32x8& a, const f32x8& b), _mm256_mul_ps(a.v, b.v), a.v[i] * b.v[i])
// As the f32x16 ones: the second operand when either is NaN.
ADZE_HALF(min, (const f32x8& a, const f32x8& b), _mm256_min_ps(a.v, b.v), a.v[i] < b.v[i] ? a.v[i] : b.v[i])
ADZE_HALF(max, (const f32x8& a, const f32x8& b), _mm256_max_ps(a.v, b.v), a.v[i] > b.v[i] ? a.v[i] : b.v[i])
#undef ADZE_HALF

// ---- Vec --------------------------------------------------------------------------------------------------------

// Partial loads and stores take any number of lanes: none or fewer is none, more than there are is all.
#if defined(ADZE_TARGET_avx2)
using Vec = f32x8;
constexpr int kVecLanes = 8;
static ADZE_INLINE Vec vec_splat(float x) { return splat_half(x); }
static ADZE_INLINE Vec vec_load(const float* p) { return load_half(p); }
static ADZE_INLINE Vec vec_load_partial(const float* p, int n) { return {_mm256_maskload_ps(p, lane_mask(n))}; }
static ADZE_INLINE void vec_store(float* p, const Vec& a) { _mm256_storeu_ps(p, a.v); }
static ADZE_INLINE void vec_store_partial(float* p, const Vec& a, int n) {
  if (n > 0) store_lanes_of(p, a.v, n < 8 ? n : 8);
}
#else
using Vec = f32x16;
constexpr int kVecLanes = 16;
static ADZE_INLINE Vec vec_splat(float x) { return splat(x); }
static ADZE_INLINE Vec vec_load(const float* p) { return load(p); }
static ADZE_INLINE Vec vec_load_partial(const float* p, int n) { return load_partial(p, n); }
static ADZE_INLINE void vec_store(float* p, const Vec& a) { store(p, a); }
static ADZE_INLINE void vec_store_partial(float* p, const Vec& a, int n) { store_partial(p, a, n); }
#endif

}  // namespace adze::ADZE_TARGET
