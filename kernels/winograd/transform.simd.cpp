#include "kernels/winograd/transform.h"

#include "kernels/core/activate.h"
#include "kernels/core/half.h"
#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

// One dimension of the transforms, Bt and At.
template <int M>
struct Points;

template <>
struct Points<2> {
  static ADZE_INLINE void source(const Vec (&d)[4], Vec (&v)[4]) {
    v[0] = d[2] - d[0];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  static ADZE_INLINE void result(const Vec (&m)[4], Vec (&y)[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) + m[3];
  }
};

template <>
struct Points<4> {
  static constexpr float kA = 0.75f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;

  static ADZE_INLINE void source(const Vec (&d)[6], Vec (&v)[6]) {
    const Vec product = vec_splat(kA2 * kB2), sum = vec_splat(-(kA2 + kB2));
    v[0] = fma(product, d[0], fma(sum, d[2], d[4]));
    v[5] = fma(product, d[1], fma(sum, d[3], d[5]));
    const Vec even_a = fma(vec_splat(-kB2), d[2], d[4]), odd_a = fma(vec_splat(-kB2), d[1], d[3]);
    v[1] = fma(vec_splat(kA), odd_a, even_a);
    v[2] = fma(vec_splat(-kA), odd_a, even_a);
    const Vec even_b = fma(vec_splat(-kA2), d[2], d[4]), odd_b = fma(vec_splat(-kA2), d[1], d[3]);
    v[3] = fma(vec_splat(kB), odd_b, even_b);
    v[4] = fma(vec_splat(-kB), odd_b, even_b);
  }
  static ADZE_INLINE void result(const Vec (&m)[6], Vec (&y)[4]) {
    const Vec even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + (even_a + even_b);
    y[1] = fma(vec_splat(kB), odd_b, vec_splat(kA) * odd_a);
    y[2] = fma(vec_splat(kB2), even_b, vec_splat(kA2) * even_a);
    y[3] = fma(vec_splat(kB2 * kB), odd_b, fma(vec_splat(kA2 * kA), odd_a, m[5]));
  }
};

template <int M, bool Full>
ADZE_INLINE void source_block(const WinogradSource& a, std::int64_t c, int lanes) {
  constexpr int kSide = M + 2;
  const float* const* pixels = a.pixels;
  float* v0 = a.v + c;
  const std::int64_t plane = a.plane;
  Vec half[kSide][kSide];
  for (int i = 0; i < kSide; i++) {
    Vec d[kSide], v[kSide];
    ADZE_UNROLL for (int j = 0; j < kSide; j++) {
      const float* pixel = pixels[i * kSide + j] + c;
      d[j] = Full ? vec_load(pixel) : vec_load_partial(pixel, lanes);
    }
    Points<M>::source(d, v);
    ADZE_UNROLL for (int j = 0; j < kSide; j++) half[i][j] = v[j];
  }
  for (int j = 0; j < kSide; j++) {
    Vec d[kSide], v[kSide];
    ADZE_UNROLL for (int i = 0; i < kSide; i++) d[i] = half[i][j];
    Points<M>::source(d, v);
    ADZE_UNROLL for (int i = 0; i < kSide; i++) vec_store(v0 + (i * kSide + j) * plane, v[i]);
  }
}

template <int M>
void source(const WinogradSource& a) {
  std::int64_t c = 0;
  for (; c + kVecLanes <= a.channels; c += kVecLanes) source_block<M, true>(a, c, kVecLanes);
  if (c < a.channels) source_block<M, false>(a, c, static_cast<int>(a.channels - c));
}

// Clipping stays in registers.
template <int M>
ADZE_INLINE void result_lanes(const WinogradTile& a, std::int64_t column, int lanes) {
  constexpr int kSide = M + 2;
  const float* products = a.m + column;
  const std::int64_t plane = a.plane;
  Vec half[M][kSide];
  for (int j = 0; j < kSide; j++) {
    Vec m[kSide], y[M];
    ADZE_UNROLL for (int i = 0; i < kSide; i++) m[i] = vec_load(products + (i * kSide + j) * plane);
    Points<M>::result(m, y);
    ADZE_UNROLL for (int i = 0; i < M; i++) half[i][j] = y[i];
  }
  const Vec bias = a.bias ? vec_load(a.bias + column) : vec_splat(0.0f);
  const bool clipped = a.activation.kind == Activation::clip;
  const Vec low = vec_splat(a.activation.alpha), high = vec_splat(a.activation.beta);
  for (int i = 0; i < a.rows; i++) {
    Vec m[kSide], y[M];
    ADZE_UNROLL for (int j = 0; j < kSide; j++) m[j] = half[i][j];
    Points<M>::result(m, y);
    ADZE_UNROLL for (int j = 0; j < M; j++) {
      if (j >= a.columns) continue;
      Vec x = y[j] + bias;
      if (a.residual) {
        const std::int64_t at = i * a.residual_line_pitch + j * a.residual_pixel_pitch + column;
        x = x + vec_load_partial(a.residual + at, lanes);
      }
      if (clipped) x = min(high, max(low, x));
      vec_store_partial(a.dst + i * a.line_pitch + j * a.pixel_pitch + column, x, lanes);
    }
  }
}

// The long functions run over what is stored.
void activate_stored(const WinogradTile& a, std::int64_t columns) {
  const ActivationArgs& f = a.activation;
  with_activation(f.kind, [&](auto kind) {
    for (int i = 0; i < a.rows; i++) {
      for (int j = 0; j < a.columns; j++) {
        float* dst = a.dst + i * a.line_pitch + j * a.pixel_pitch;
        for_blocks(columns, [&](std::int64_t c, int lanes) {
          store_lanes(dst + c, activate<kind()>(load_lanes(dst + c, lanes), f.alpha, f.beta), lanes);
        });
      }
    }
  });
}

template <int M>
void result(const WinogradTile& a) {
  const std::int64_t columns = (a.blocks - 1) * kLanes + a.last_lanes;
  std::int64_t c = 0;
  for (; c + kVecLanes <= columns; c += kVecLanes) result_lanes<M>(a, c, kVecLanes);
  if (c < columns) result_lanes<M>(a, c, static_cast<int>(columns - c));
  if (a.activation.kind != Activation::clip && a.activation.kind != Activation::none) activate_stored(a, columns);
}

}  // namespace

extern const WinogradTransforms winograd_transforms;
constinit const WinogradTransforms winograd_transforms{{source<2>, source<4>}, {result<2>, result<4>}};

}  // namespace adze::ADZE_TARGET
