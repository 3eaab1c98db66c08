// A model with one of everything that a plan has to get right: convolutions with and without groups, batch
// normalisation to fold, residuals, gates, pooling, concatenation, shape arithmetic, a flatten into a product.
#pragma once

#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

inline std::string small_cnn() {
  const auto weights = [](const Shape& shape, std::uint64_t seed, float low = -0.5f, float high = 0.5f) {
    return random_tensor(shape, seed, low, high);
  };
  ModelBuilder m;
  m.input("x", {-1, 3, 20, 18}).output("y").output("features");
  m.initializer("w1", weights({24, 3, 3, 3}, 1)).initializer("b1", weights({24}, 2));
  auto& c1 = m.node("Conv", {"x", "w1", "b1"}, {"c1"});
  set(c1, "strides", {2, 2});
  set(c1, "pads", {1, 1, 0, 1});
  m.initializer("s", weights({24}, 3, 0.5f, 1.5f)).initializer("t", weights({24}, 4));
  m.initializer("mean", weights({24}, 5)).initializer("var", weights({24}, 6, 0.5f, 1.5f));
  m.node("BatchNormalization", {"c1", "s", "t", "mean", "var"}, {"n1"});
  m.node("Relu", {"n1"}, {"r1"});
  m.initializer("dw", weights({24, 1, 3, 3}, 7));
  auto& d = m.node("Conv", {"r1", "dw"}, {"d1"});
  set(d, "group", std::int64_t{24});
  set_string(d, "auto_pad", "SAME_UPPER");
  m.node("Sigmoid", {"d1"}, {"g1"});
  m.node("Mul", {"d1", "g1"}, {"silu"});
  m.initializer("w2", weights({24, 12, 1, 1}, 8)).initializer("b2", weights({24}, 9));
  auto& grouped = m.node("Conv", {"silu", "w2", "b2"}, {"c2"});
  set(grouped, "group", std::int64_t{2});
  m.node("Add", {"c2", "r1"}, {"sum"});
  m.node("Relu", {"sum"}, {"r2"});
  m.node("GlobalAveragePool", {"r2"}, {"gap"});
  m.node("HardSigmoid", {"gap"}, {"gate"});
  m.node("Mul", {"r2", "gate"}, {"scaled"});
  auto& pool = m.node("MaxPool", {"scaled"}, {"pooled"});
  set(pool, "kernel_shape", {3, 3});
  set(pool, "strides", {2, 2});
  set(pool, "ceil_mode", std::int64_t{1});
  auto& average = m.node("AveragePool", {"scaled"}, {"averaged"});
  set(average, "kernel_shape", {3, 3});
  set(average, "strides", {2, 2});
  set(average, "ceil_mode", std::int64_t{1});
  auto& concat_node = m.node("Concat", {"pooled", "averaged"}, {"features"});
  set(concat_node, "axis", std::int64_t{1});
  m.node("Shape", {"features"}, {"shape"});
  m.initializer("zero", Tensor::from_ints(std::vector<std::int64_t>{0}))
      .initializer("minus", Tensor::from_ints(std::vector<std::int64_t>{-1}));
  m.node("Gather", {"shape", "zero"}, {"n"});
  auto& target = m.node("Concat", {"n", "minus"}, {"target"});
  set(target, "axis", std::int64_t{0});
  m.node("Reshape", {"features", "target"}, {"flat"});
  m.initializer("w3", weights({48 * 5 * 4, 10}, 10)).initializer("b3", weights({10}, 11));
  m.node("Gemm", {"flat", "w3", "b3"}, {"logits"});
  m.node("Softmax", {"logits"}, {"y"});
  return m.serialized();
}

}  // namespace adze::testing
