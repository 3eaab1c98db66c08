// Models of one squeeze-and-excite block: a depthwise convolution, whose mean over the image decides through two small
// convolutions by how much each of its channels is multiplied, and a pointwise convolution.
#pragma once

#include <string>

#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

struct SqueezeExcite {
  std::int64_t n = 1, h = 13, w = 11;           // of the image x
  std::int64_t c = 24, squeezed = 6, out = 20;  // channels
  std::int64_t in = 0;                          // channels of x before a pointwise convolution; 0: there is none
  std::int64_t kernel = 3, stride = 1;
  std::int64_t groups = 0;                 // of the first convolution; 0: one for each channel
  std::string pool = "GlobalAveragePool";  // or "ReduceMean", "AveragePool"
  std::string gate = "Sigmoid";            // an operator
  bool scale_first = false;                // of the product's operands
  bool residual = false;                   // x is added to the result
};

// A graph from x to y. Values on the way are called "filtered", "pooled", "gate" and "scaled".
class SqueezeExciteModel : public ModelBuilder {
 public:
  explicit SqueezeExciteModel(const SqueezeExcite& b) : ModelBuilder(17) {
    const std::int64_t groups = b.groups ? b.groups : b.c, size = b.kernel;
    input("x", {b.n, b.in ? b.in : b.c, b.h, b.w}).output("y");
    std::string source = "x";
    if (b.in) {
      convolution("x", "expanded.sum", {b.c, b.in, 1, 1});
      node("HardSwish", {"expanded.sum"}, {"expanded"});
      source = "expanded";
    }
    auto& first = convolution(source, "filtered.sum", {b.c, b.c / groups, size, size});
    set(first, "group", groups);
    set(first, "strides", {b.stride, b.stride});
    set(first, "pads", {size / 2, size / 2, size / 2, size / 2});
    node("HardSwish", {"filtered.sum"}, {"filtered"});
    const std::int64_t oh = (b.h + size / 2 * 2 - size) / b.stride + 1, ow = (b.w + size / 2 * 2 - size) / b.stride + 1;
    auto& pool = node(b.pool, {"filtered"}, {"pooled"});
    if (b.pool == "ReduceMean") set(pool, "axes", {-1, -2});
    if (b.pool == "AveragePool") set(pool, "kernel_shape", {oh, ow});
    convolution("pooled", "squeezed.sum", {b.squeezed, b.c, 1, 1});
    node("Relu", {"squeezed.sum"}, {"squeezed"});
    convolution("squeezed", "excited", {b.c, b.squeezed, 1, 1});
    node(b.gate, {"excited"}, {"gate"});
    node("Mul",
         b.scale_first ? std::vector<std::string>{"gate", "filtered"} : std::vector<std::string>{"filtered", "gate"},
         {"scaled"});
    convolution("scaled", b.residual ? "projected" : "y", {b.out, b.c, 1, 1});
    if (b.residual) node("Add", {"projected", "x"}, {"y"});
  }

 private:
  onnx::NodeProto& convolution(const std::string& from, const std::string& to, const Shape& weights) {
    const auto seed = static_cast<std::uint64_t>(proto().graph().node_size());
    initializer(to + ".w", random_tensor(weights, 10 + seed, -0.5f, 0.5f));
    initializer(to + ".b", random_tensor({weights[0]}, 50 + seed));
    return node("Conv", {from, to + ".w", to + ".b"}, {to});
  }
};

}  // namespace adze::testing
