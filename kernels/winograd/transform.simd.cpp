#include "kernels/winograd/transform.h"

#include "kernels/core/activate.h"

namespace adze::ADZE_TARGET {
namespace {

// One dimension of the transforms, Bt and At.
template <int M>
struct Points;

template <>
struct Points<2> {
  static ADZE_INLINE void source(const f32x16 (&d)[4], f32x16 (&v)[4]) {
    v[0] = d[2] - d[0];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  static ADZE_INLINE void result(const f32x16 (&m)[4], f32x16 (&y)[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) + m[3];
  }
};

template <>
struct Points<4> {
  static constexpr float kA = 0.75f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;

  static ADZE_INLINE void source(const f32x16 (&d)[6], f32x16 (&v)[6]) {
    const f32x16 product = splat(kA2 * kB2), sum = splat(-(kA2 + kB2));
    v[0] = fma(product, d[0], fma(sum, d[2], d[4]));
    v[5] = fma(product, d[1], fma(sum, d[3], d[5]));
    const f32x16 even_a = fma(splat(-kB2), d[2], d[4]), odd_a = fma(splat(-kB2), d[1], d[3]);
    v[1] = fma(splat(kA), odd_a, even_a);
    v[2] = fma(splat(-kA), odd_a, even_a);
    const f32x16 even_b = fma(splat(-kA2), d[2], d[4]), odd_b = fma(splat(-kA2), d[1], d[3]);
    v[3] = fma(splat(kB), odd_b, even_b);
    v[4] = fma(splat(-kB), odd_b, even_b);
  }
  static ADZE_INLINE void result(const f32x16 (&m)[6], f32x16 (&y)[4]) {
    const f32x16 even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + (even_a + even_b);
    y[1] = fma(splat(kB), odd_b, splat(kA) * odd_a);
    y[2] = fma(splat(kB2), even_b, splat(kA2) * even_a);
    y[3] = fma(splat(kB2 * kB), odd_b, fma(splat(kA2 * kA), odd_a, m[5]));
  }
};

template <int M, bool Full>
ADZE_INLINE void source_block(const WinogradSource& a, std::int64_t c, int lanes) {
  constexpr int P = M + 2;
  const float* const* pixels = a.pixels;
  float* v0 = a.v + c;
  const std::int64_t plane = a.plane;
  f32x16 half[P][P];
  for (int i = 0; i < P; i++) {
    f32x16 d[P], v[P];
    ADZE_UNROLL for (int j = 0; j < P; j++) {
      const float* pixel = pixels[i * P + j] + c;
      d[j] = Full ? load(pixel) : load_partial(pixel, lanes);
    }
    Points<M>::source(d, v);
    ADZE_UNROLL for (int j = 0; j < P; j++) half[i][j] = v[j];
  }
  for (int j = 0; j < P; j++) {
    f32x16 d[P], v[P];
    ADZE_UNROLL for (int i = 0; i < P; i++) d[i] = half[i][j];
    Points<M>::source(d, v);
    ADZE_UNROLL for (int i = 0; i < P; i++) store(v0 + (i * P + j) * plane, v[i]);
  }
}

template <int M>
void source(const WinogradSource& a) {
  std::int64_t c = 0;
  for (; c + kLanes <= a.channels; c += kLanes) source_block<M, true>(a, c, kLanes);
  if (c < a.channels) source_block<M, false>(a, c, static_cast<int>(a.channels - c));
}

template <int M, Activation Kind>
ADZE_INLINE void result_block(const WinogradTile& a, int block, int lanes) {
  constexpr int P = M + 2;
  const std::int64_t column = static_cast<std::int64_t>(block) * kLanes;
  f32x16 half[M][P];
  for (int j = 0; j < P; j++) {
    f32x16 m[P], y[M];
    ADZE_UNROLL for (int i = 0; i < P; i++) m[i] = load(a.m + (i * P + j) * a.plane + column);
    Points<M>::result(m, y);
    ADZE_UNROLL for (int i = 0; i < M; i++) half[i][j] = y[i];
  }
  const f32x16 bias = a.bias ? load(a.bias + column) : splat(0.0f);
  for (int i = 0; i < a.rows; i++) {
    f32x16 m[P], y[M];
    ADZE_UNROLL for (int j = 0; j < P; j++) m[j] = half[i][j];
    Points<M>::result(m, y);
    ADZE_UNROLL for (int j = 0; j < M; j++) {
      if (j >= a.columns) continue;
      const std::int64_t at = i * a.line_pitch + j * a.pixel_pitch + column;
      f32x16 x = y[j] + bias;
      if (a.residual) x = x + load_partial(a.residual + at, lanes);
      x = activate<Kind>(x, a.activation.alpha, a.activation.beta);
      store_partial(a.dst + at, x, lanes);
    }
  }
}

template <int M>
void result(const WinogradTile& a) {
  with_activation(a.activation.kind, [&](auto kind) {
    for (int b = 0; b < a.blocks; b++) result_block<M, kind()>(a, b, b == a.blocks - 1 ? a.last_lanes : kLanes);
  });
}

}  // namespace

extern const WinogradTransforms winograd_transforms;
constinit const WinogradTransforms winograd_transforms{{source<2>, source<4>}, {result<2>, result<4>}};

}  // namespace adze::ADZE_TARGET
