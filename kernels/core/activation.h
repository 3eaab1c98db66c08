// The scalar functions that may ride in another kernel's epilogue, with their ONNX parameters.
#pragma once

#include <cstdint>

namespace adze {

enum class Activation : std::uint8_t {
  none,          // x
  clip,          // min(max(x, alpha), beta); Relu is clip to [0, +inf]; NaN stays NaN
  leaky_relu,    // x < 0 ? alpha x : x
  hard_sigmoid,  // max(0, min(1, alpha x + beta))
  hard_swish,    // x max(0, min(1, x / 6 + 1 / 2))
  sigmoid,       // 1 / (1 + exp(-x))
  silu,          // x / (1 + exp(-x))
  tanh,
  gelu,       // x (1 + erf(x / sqrt 2)) / 2
  gelu_tanh,  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  elu,        // x < 0 ? alpha (exp x - 1) : x
  selu,       // beta (x < 0 ? alpha (exp x - 1) : x)
  softplus,   // log(exp x + 1)
  mish,       // x tanh(softplus x)
};

struct ActivationArgs {
  Activation kind = Activation::none;
  float alpha = 0;
  float beta = 0;
};

}  // namespace adze
