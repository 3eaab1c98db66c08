// A model whose 3 x 3 convolutions are large enough for Winograd's algorithm, with tiles of both sizes.
#pragma once

#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

// From x [N, 16, 14, 14] to y [N, 8, 4, 4]: convolutions for F(4,3), F(4,3) with a residual, F(2,3), and one with
// strides, which stays direct. No pass rounds differently but the choice of the algorithm.
inline std::string winograd_cnn() {
  ModelBuilder m;
  m.input("x", {-1, 16, 14, 14}).output("y");
  std::uint64_t seed = 1;
  const auto conv = [&](const std::string& from, const std::string& to, std::int64_t in,
                        std::int64_t out) -> onnx::NodeProto& {
    const std::string w = to + ".w", b = to + ".b";
    m.initializer(w, random_tensor({out, in, 3, 3}, seed++, -0.2f, 0.2f));
    m.initializer(b, random_tensor({out}, seed++));
    auto& node = m.node("Conv", {from, w, b}, {to});
    set(node, "pads", {1, 1, 1, 1});
    return node;
  };
  conv("x", "c1", 16, 32);
  m.node("Relu", {"c1"}, {"r1"});
  conv("r1", "c2", 32, 32);
  m.node("Add", {"c2", "r1"}, {"sum"});
  m.node("Tanh", {"sum"}, {"t"});
  auto& pool = m.node("MaxPool", {"t"}, {"pooled"});
  set(pool, "kernel_shape", {2, 2});
  set(pool, "strides", {2, 2});
  conv("pooled", "c3", 32, 64);
  set(conv("c3", "y", 64, 8), "strides", {2, 2});
  return m.serialized();
}

}  // namespace adze::testing
