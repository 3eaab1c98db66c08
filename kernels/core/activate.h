// Activations on f32x16, for epilogues and for the elementwise kernels. For variant sources only.
#pragma once

#include "kernels/core/activation.h"
#include "kernels/core/math.h"

namespace adze::ADZE_TARGET {

// max(alpha, x) before min, so that the upper bound wins where they cross; NaN stays.
static ADZE_INLINE f32x16 clip(const f32x16& x, float alpha, float beta) {
  return min(splat(beta), max(splat(alpha), x));
}

template <Activation Kind>
static ADZE_INLINE f32x16 activate(const f32x16& x, float alpha, float beta) {
  if constexpr (Kind == Activation::clip) {
    return clip(x, alpha, beta);
  } else if constexpr (Kind == Activation::leaky_relu) {
    return select(x < splat(0.0f), splat(alpha) * x, x);
  } else if constexpr (Kind == Activation::hard_sigmoid) {
    return clip(fma(splat(alpha), x, splat(beta)), 0.0f, 1.0f);
  } else if constexpr (Kind == Activation::hard_swish) {
    return x * clip(fma(x, splat(1.0f / 6), splat(0.5f)), 0.0f, 1.0f);
  } else if constexpr (Kind == Activation::sigmoid) {
    return sigmoid(x);
  } else if constexpr (Kind == Activation::silu) {
    return silu(x);
  } else if constexpr (Kind == Activation::tanh) {
    return tanh(x);
  } else if constexpr (Kind == Activation::gelu) {
    return (splat(0.5f) * x) * (splat(1.0f) + erf(x * splat(0.70710678f)));
  } else if constexpr (Kind == Activation::gelu_tanh) {
    const f32x16 cubed = fma(x * x * x, splat(0.044715f), x);
    return (splat(0.5f) * x) * (splat(1.0f) + tanh(cubed * splat(0.79788456f)));
  } else if constexpr (Kind == Activation::elu) {
    return select(x < splat(0.0f), splat(alpha) * (exp(x) - splat(1.0f)), x);
  } else if constexpr (Kind == Activation::selu) {
    return splat(beta) * select(x < splat(0.0f), splat(alpha) * (exp(x) - splat(1.0f)), x);
  } else if constexpr (Kind == Activation::softplus) {
    return softplus(x);
  } else if constexpr (Kind == Activation::mish) {
    return x * tanh(softplus(x));
  } else {
    return x;
  }
}

// Calls f(std::integral_constant<Activation, kind>{}) for the run-time kind, so that a loop is compiled per kind.
template <class F>
static ADZE_INLINE void with_activation(Activation kind, F&& f) {
  using enum Activation;
  switch (kind) {
    case none:
      return f(std::integral_constant<Activation, none>{});
    case Activation::clip:
      return f(std::integral_constant<Activation, Activation::clip>{});
    case leaky_relu:
      return f(std::integral_constant<Activation, leaky_relu>{});
    case hard_sigmoid:
      return f(std::integral_constant<Activation, hard_sigmoid>{});
    case hard_swish:
      return f(std::integral_constant<Activation, hard_swish>{});
    case Activation::sigmoid:
      return f(std::integral_constant<Activation, Activation::sigmoid>{});
    case silu:
      return f(std::integral_constant<Activation, silu>{});
    case Activation::tanh:
      return f(std::integral_constant<Activation, Activation::tanh>{});
    case gelu:
      return f(std::integral_constant<Activation, gelu>{});
    case gelu_tanh:
      return f(std::integral_constant<Activation, gelu_tanh>{});
    case elu:
      return f(std::integral_constant<Activation, elu>{});
    case selu:
      return f(std::integral_constant<Activation, selu>{});
    case Activation::softplus:
      return f(std::integral_constant<Activation, Activation::softplus>{});
    case mish:
      return f(std::integral_constant<Activation, mish>{});
  }
}

}  // namespace adze::ADZE_TARGET
