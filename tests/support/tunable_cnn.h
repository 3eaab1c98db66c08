// A model with a node for each kind of step that a tuner has something to choose for.
#pragma once

#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

// From x [N, 3, 24, 24]: a planar first layer, a pointwise and two direct convolutions, one by Winograd's
// algorithm, depthwise, pooling, batch normalisation, a small MLP with softmax. The outputs are y and, of a product of
// two run-time matrices, z.
inline std::string tunable_cnn() {
  ModelBuilder m;
  m.input("x", {-1, 3, 24, 24}).output("y").output("z");
  std::uint64_t seed = 1;
  const auto conv = [&](const std::string& from, const std::string& to, const Shape& w,
                        std::int64_t stride) -> onnx::NodeProto& {
    m.initializer(to + ".w", random_tensor(w, seed++, -0.2f, 0.2f));
    m.initializer(to + ".b", random_tensor({w[0]}, seed++));
    auto& node = m.node("Conv", {from, to + ".w", to + ".b"}, {to});
    const std::int64_t pad = w[2] / 2;
    set(node, "pads", {pad, pad, pad, pad});
    set(node, "strides", {stride, stride});
    return node;
  };
  conv("x", "c1", {20, 3, 3, 3}, 2);
  m.node("Relu", {"c1"}, {"r1"});
  conv("r1", "c2", {72, 20, 1, 1}, 1);
  m.node("Sigmoid", {"c2"}, {"s2"});
  m.node("Mul", {"c2", "s2"}, {"g2"});
  set(conv("g2", "c3", {72, 1, 3, 3}, 1), "group", std::int64_t{72});
  conv("c3", "c4", {32, 72, 3, 3}, 1);
  conv("c4", "c5", {32, 32, 5, 5}, 1);
  conv("c5", "c6", {32, 32, 5, 5}, 1);
  m.node("Add", {"c6", "c4"}, {"sum"});
  m.node("Tanh", {"sum"}, {"t"});
  auto& pool = m.node("MaxPool", {"t"}, {"pooled"});
  set(pool, "kernel_shape", {2, 2});
  set(pool, "strides", {2, 2});
  m.initializer("shape", Tensor::from_ints(std::vector<std::int64_t>{-1, 1152}));
  m.node("Reshape", {"pooled", "shape"}, {"flat"});
  m.initializer("w1", random_tensor({1152, 130}, 50, -0.05f, 0.05f)).initializer("b1", random_tensor({130}, 51));
  m.node("Gemm", {"flat", "w1", "b1"}, {"f1"});
  m.node("Softmax", {"f1"}, {"y"});
  auto& turned = m.node("Transpose", {"f1"}, {"turned"});
  set(turned, "perm", {1, 0});
  m.node("MatMul", {"turned", "f1"}, {"z"});
  return m.serialized();
}

}  // namespace adze::testing
