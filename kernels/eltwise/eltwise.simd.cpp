#include "kernels/eltwise/eltwise.h"

#include "kernels/core/activate.h"

namespace adze::ADZE_TARGET {
namespace {

template <class F>
ADZE_INLINE void map(const float* src, float* dst, std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(dst + i, f(load(src + i)));
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    store_partial(dst + i, f(load_partial(src + i, rest)), rest);
  }
}

// Ties to even; what is 2^22 or more has no fraction to round (and 2^23 no bits for one).
ADZE_INLINE f32x16 round_even(const f32x16& x) {
  return select(abs(x) < splat(0x1p22f), copy_sign(round_small(x), x),
                select(abs(x) < splat(0x1p23f), copy_sign((abs(x) + splat(0x1p23f)) - splat(0x1p23f), x), x));
}

ADZE_INLINE f32x16 sign(const f32x16& x) {
  const f32x16 zero = splat(0.0f);
  return select(x > zero, splat(1.0f), select(x < zero, splat(-1.0f), x));  // zero and NaN stay
}

template <BinaryOp Op>
ADZE_INLINE f32x16 apply(const f32x16& a, const f32x16& b) {
  if constexpr (Op == BinaryOp::add) return a + b;
  if constexpr (Op == BinaryOp::sub) return a - b;
  if constexpr (Op == BinaryOp::mul) return a * b;
  if constexpr (Op == BinaryOp::div) return a / b;
  if constexpr (Op == BinaryOp::min) return min_nan(a, b);
  if constexpr (Op == BinaryOp::max) return max_nan(a, b);
  if constexpr (Op == BinaryOp::prelu) return select(a < splat(0.0f), a * b, a);
}

template <BinaryOp Op>
ADZE_INLINE void binary(const float* a, int a_step, const float* b, int b_step, float* dst, std::int64_t n) {
  if (n == 0) return;
  const f32x16 a0 = splat(*a), b0 = splat(*b);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(dst + i, apply<Op>(a_step ? load(a + i) : a0, b_step ? load(b + i) : b0));
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    store_partial(dst + i, apply<Op>(a_step ? load_partial(a + i, rest) : a0, b_step ? load_partial(b + i, rest) : b0),
                  rest);
  }
}

}  // namespace

void activate_all(ActivationArgs activation, const float* src, float* dst, std::int64_t n) {
  with_activation(activation.kind, [&](auto kind) {
    map(src, dst, n, [&](const f32x16& x) { return activate<kind()>(x, activation.alpha, activation.beta); });
  });
}

void unary_all(UnaryOp op, const float* src, float* dst, std::int64_t n) {
  switch (op) {
    case UnaryOp::abs:
      return map(src, dst, n, [](const f32x16& x) { return abs(x); });
    case UnaryOp::neg:
      return map(src, dst, n, [](const f32x16& x) { return -x; });
    case UnaryOp::reciprocal:
      return map(src, dst, n, [](const f32x16& x) { return splat(1.0f) / x; });
    case UnaryOp::sqrt:
      return map(src, dst, n, [](const f32x16& x) { return sqrt(x); });
    case UnaryOp::exp:
      return map(src, dst, n, [](const f32x16& x) { return exp(x); });
    case UnaryOp::log:
      return map(src, dst, n, [](const f32x16& x) { return log(x); });
    case UnaryOp::floor:
      return map(src, dst, n, [](const f32x16& x) { return floor(x); });
    case UnaryOp::ceil:
      return map(src, dst, n, [](const f32x16& x) { return ceil(x); });
    case UnaryOp::round:
      return map(src, dst, n, [](const f32x16& x) { return round_even(x); });
    case UnaryOp::sign:
      return map(src, dst, n, [](const f32x16& x) { return sign(x); });
    case UnaryOp::erf:
      return map(src, dst, n, [](const f32x16& x) { return erf(x); });
    case UnaryOp::softsign:
      return map(src, dst, n, [](const f32x16& x) { return x / (splat(1.0f) + abs(x)); });
  }
}

void binary_all(BinaryOp op, const float* a, int a_step, const float* b, int b_step, float* dst, std::int64_t n) {
  switch (op) {
    case BinaryOp::add:
      return binary<BinaryOp::add>(a, a_step, b, b_step, dst, n);
    case BinaryOp::sub:
      return binary<BinaryOp::sub>(a, a_step, b, b_step, dst, n);
    case BinaryOp::mul:
      return binary<BinaryOp::mul>(a, a_step, b, b_step, dst, n);
    case BinaryOp::div:
      return binary<BinaryOp::div>(a, a_step, b, b_step, dst, n);
    case BinaryOp::min:
      return binary<BinaryOp::min>(a, a_step, b, b_step, dst, n);
    case BinaryOp::max:
      return binary<BinaryOp::max>(a, a_step, b, b_step, dst, n);
    case BinaryOp::prelu:
      return binary<BinaryOp::prelu>(a, a_step, b, b_step, dst, n);
  }
}

}  // namespace adze::ADZE_TARGET
