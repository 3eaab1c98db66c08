// Models of one chain of convolutions as inverted residual blocks have it: pointwise, depthwise, pointwise.
#pragma once

#include <array>
#include <initializer_list>
#include <string>

#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

struct InvertedResidual {
  std::int64_t n = 1, h = 53, w = 55;          // of the image x
  std::int64_t in = 8, middle = 96, out = 12;  // channels
  bool expands = true, projects = true;        // without one of them `middle` stands for `in` or `out`
  std::array<std::int64_t, 2> kernel = {3, 3}, stride = {1, 1};
  std::array<std::int64_t, 4> pads = {1, 1, 1, 1};  // before and behind, each along h and w
  std::int64_t dilation = 1;
  std::int64_t multiplier = 1;                                    // outputs of each channel of the depthwise part
  std::array<const char*, 3> activations = {"Relu", "Relu", ""};  // an operator, "Silu" or none for each part
  bool bias = true;
  // What is added to a part's outputs, before its activation: nothing, or an input of that shape.
  std::array<bool, 3> residual = {false, false, false};

  std::int64_t depthwise_out(std::size_t axis, std::int64_t size) const {
    return (size + pads[axis] + pads[axis + 2] - (kernel[axis] - 1) * dilation - 1) / stride[axis] + 1;
  }
};

// The block alone in a graph from x to y. What each part gives, its activation included, is called "expanded",
// "filtered" and "projected", but the last is "y".
class InvertedResidualModel : public ModelBuilder {
 public:
  explicit InvertedResidualModel(const InvertedResidual& block) : ModelBuilder(18), b_(block) {
    const std::int64_t channels = b_.expands ? b_.in : b_.middle;
    const std::int64_t oh = b_.depthwise_out(0, b_.h), ow = b_.depthwise_out(1, b_.w);
    const std::int64_t filtered = b_.middle * b_.multiplier;
    input("x", {b_.n, channels, b_.h, b_.w}).output("y");
    std::string last = "x";
    if (b_.expands) last = part(0, last, "expanded", {b_.middle, b_.in, 1, 1}, b_.h, b_.w);
    last = part(1, last, b_.projects ? "filtered" : "y", {filtered, 1, b_.kernel[0], b_.kernel[1]}, oh, ow);
    if (b_.projects) part(2, last, "y", {b_.out, filtered, 1, 1}, oh, ow);
  }

 private:
  // Convolution, residual and activation, whose result is named `to`.
  std::string part(std::size_t i, const std::string& from, const std::string& to, const Shape& weights, std::int64_t oh,
                   std::int64_t ow) {
    const std::string activation = b_.activations[i];
    const std::string sum = activation.empty() ? to : to + ".sum", conv = b_.residual[i] ? to + ".conv" : sum;
    initializer(to + ".w", random_tensor(weights, 10 + i, -0.5f, 0.5f));
    std::vector<std::string> inputs = {from, to + ".w"};
    if (b_.bias) {
      initializer(to + ".b", random_tensor({weights[0]}, 20 + i));
      inputs.push_back(to + ".b");
    }
    auto& node = this->node("Conv", inputs, {conv});
    if (i == 1) {
      set(node, "group", b_.middle);
      set(node, "strides", {b_.stride[0], b_.stride[1]});
      set(node, "pads", {b_.pads[0], b_.pads[1], b_.pads[2], b_.pads[3]});
      set(node, "dilations", {b_.dilation, b_.dilation});
    }
    if (b_.residual[i]) {
      input(to + ".more", {b_.n, weights[0], oh, ow});
      this->node("Add", {conv, to + ".more"}, {sum});
    }
    if (activation == "Silu") {
      this->node("Sigmoid", {sum}, {to + ".gate"});
      this->node("Mul", {sum, to + ".gate"}, {to});
    } else if (activation == "Clip") {
      initializer(to + ".low", tensor_of<float>({}, {-0.25f}));
      initializer(to + ".high", tensor_of<float>({}, {1.0f}));
      this->node("Clip", {sum, to + ".low", to + ".high"}, {to});
    } else if (!activation.empty()) {
      this->node(activation, {sum}, {to});
    }
    return to;
  }

  InvertedResidual b_;
};

}  // namespace adze::testing
