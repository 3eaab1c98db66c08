// Random networks of a dozen nodes, made of what the optimising passes look for and what may stand in their way.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

class RandomModel {
 public:
  explicit RandomModel(std::uint64_t seed) : random_(seed), model_(22) {
    values_.push_back({"x", {2, 4 + 4 * random_.below(2), 6, 5 + random_.below(3)}});
    model_.input("x", values_[0].dims);
    for (int nodes = 0; nodes < 12; nodes++) grow();
    model_.output(values_.back().name);
    for (int more = 0; more < 2; more++) {
      const Value& value = values_[1 + below(values_.size() - 1)];
      if (outputs_.insert(value.name).second && value.name != values_.back().name) model_.output(value.name);
    }
  }

  std::string serialized() const { return model_.serialized(); }

 private:
  using Dims = std::vector<std::int64_t>;
  struct Value {
    std::string name;
    Dims dims;
  };
  static constexpr std::int64_t kMostElements = 4000;

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(n))); }
  bool coin() { return random_.below(2) == 0; }

  std::string fresh() { return "v" + std::to_string(names_++); }
  // Mostly the newest, so that chains grow.
  Value pick() { return coin() ? values_.back() : values_[below(values_.size())]; }
  Value made(Dims dims) { return values_.emplace_back(Value{fresh(), std::move(dims)}); }

  std::string constant(const Dims& dims, float low = -1, float high = 1) {
    const std::string name = fresh();
    Shape shape;
    for (const std::int64_t dim : dims) shape.push_back(dim);
    model_.initializer(name, random_tensor(shape, random_.next() >> 20, low, high));
    return name;
  }
  std::string ints(const Dims& numbers) {
    const std::string name = fresh();
    model_.initializer(name, Tensor::from_ints(numbers));
    return name;
  }
  // Sizes stay about the same through a product of this depth.
  std::string weights(const Dims& dims, std::int64_t depth) {
    const float bound = 1.7f / std::sqrt(static_cast<float>(depth));
    return constant(dims, -bound, bound);
  }

  void grow() {
    using Maker = void (RandomModel::*)(const Value&);
    static constexpr Maker kImage[] = {
        &RandomModel::conv, &RandomModel::conv,   &RandomModel::conv, &RandomModel::residual, &RandomModel::norm,
        &RandomModel::pool, &RandomModel::resize, &RandomModel::pad,  &RandomModel::flatten,  &RandomModel::transposed};
    static constexpr Maker kAny[] = {&RandomModel::activation, &RandomModel::gate,      &RandomModel::with_constant,
                                     &RandomModel::with_value, &RandomModel::transpose, &RandomModel::concatenate,
                                     &RandomModel::split,      &RandomModel::reduce,    &RandomModel::softmax,
                                     &RandomModel::slice,      &RandomModel::matmul,    &RandomModel::identity,
                                     &RandomModel::choose,     &RandomModel::unsqueeze};
    const Value value = pick();
    if (value.dims.size() == 4 && coin()) {
      (this->*kImage[below(std::size(kImage))])(value);
    } else {
      (this->*kAny[below(std::size(kAny))])(value);
    }
  }

  Value convolve(const Value& x, std::int64_t out, std::int64_t kernel, std::int64_t groups) {
    std::vector<std::string> inputs{
        x.name, weights({out, x.dims[1] / groups, kernel, kernel}, x.dims[1] / groups * kernel * kernel)};
    if (coin()) inputs.push_back(constant({out}));
    const Value y = made({x.dims[0], out, x.dims[2], x.dims[3]});
    auto& node = model_.node("Conv", inputs, {y.name});
    set(node, "group", groups);
    set(node, "pads", {kernel / 2, kernel / 2, kernel / 2, kernel / 2});
    return y;
  }
  void conv(const Value& x) {
    const std::int64_t channels = x.dims[1], kernel = coin() ? 1 : 3;
    const std::int64_t groups = coin() ? 1 : channels % 2 == 0 && coin() ? 2 : channels;
    const Value y = convolve(x, groups == 1 ? 1 + random_.below(12) : channels, kernel, groups);
    if (coin()) norm(y);
    if (coin()) activation(values_.back());
  }
  void residual(const Value& x) {
    const Value y = convolve(x, x.dims[1], coin() ? 1 : 3, 1);
    binary("Add", x, y);
    if (coin()) activation(values_.back());
  }
  void norm(const Value& x) {
    std::vector<std::string> inputs{x.name};
    for (int i = 0; i < 4; i++) inputs.push_back(constant({x.dims[1]}, 0.5f, 1.5f));
    model_.node("BatchNormalization", inputs, {made(x.dims).name});
  }
  void pool(const Value& x) {
    if (coin()) {
      model_.node(coin() ? "GlobalAveragePool" : "GlobalMaxPool", {x.name}, {made({x.dims[0], x.dims[1], 1, 1}).name});
    } else {
      auto& node = model_.node(coin() ? "MaxPool" : "AveragePool", {x.name}, {made(x.dims).name});
      set(node, "kernel_shape", {3, 3});
      set(node, "pads", {1, 1, 1, 1});
    }
  }
  void resize(const Value& x) {
    if (elements(x.dims) > kMostElements / 4) return;
    auto& node = model_.node("Resize", {x.name, "", "", ints({x.dims[0], x.dims[1], x.dims[2] * 2, x.dims[3] + 1})},
                             {made({x.dims[0], x.dims[1], x.dims[2] * 2, x.dims[3] + 1}).name});
    const char* modes[] = {"nearest", "linear", "cubic"};
    set_string(node, "mode", modes[below(3)]);
  }
  void pad(const Value& x) {
    Dims dims = x.dims;
    dims[1] += 1;
    dims[3] += 2;
    if (elements(dims) > kMostElements) return;
    model_.node("Pad", {x.name, ints({0, 0, 0, 1, 0, 1, 0, 1})}, {made(dims).name});
  }
  void flatten(const Value& x) {
    const std::int64_t depth = x.dims[1] * x.dims[2] * x.dims[3];
    const Value flat = made({x.dims[0], depth});
    if (coin()) {
      model_.node("Flatten", {x.name}, {flat.name});
    } else {
      model_.node("Reshape", {x.name, ints({0, -1})}, {flat.name});
    }
    const bool swapped = coin();
    const std::string w = weights(swapped ? Dims{7, depth} : Dims{depth, 7}, depth);
    set(model_.node("Gemm", {flat.name, w}, {made({x.dims[0], 7}).name}), "transB", std::int64_t{swapped});
  }
  void transposed(const Value& x) {
    const Value y = made({x.dims[0], 3, x.dims[2], x.dims[3]});
    auto& node = model_.node("ConvTranspose", {x.name, weights({x.dims[1], 3, 3, 3}, x.dims[1] * 9)}, {y.name});
    set(node, "pads", {1, 1, 1, 1});
    if (coin()) activation(y);
  }

  void activation(const Value& x) {
    static constexpr const char* kNames[] = {"Relu", "LeakyRelu", "Sigmoid",  "Tanh", "HardSwish",
                                             "Elu",  "Gelu",      "Softplus", "Abs",  "Neg"};
    model_.node(kNames[below(std::size(kNames))], {x.name}, {made(x.dims).name});
  }
  void gate(const Value& x) {
    const Value g = made(x.dims);
    if (coin()) {
      model_.node("Sigmoid", {x.name}, {g.name});
    } else {
      set_real(model_.node("HardSigmoid", {x.name}, {g.name}), "alpha", 1.0f / 6);
    }
    binary("Mul", x, g);
  }
  void binary(const char* name, const Value& a, const Value& b) {
    const bool swapped = coin();
    model_.node(name, {swapped ? b.name : a.name, swapped ? a.name : b.name}, {made(a.dims).name});
  }
  void with_constant(const Value& x) {
    Dims dims(x.dims.end() - static_cast<std::ptrdiff_t>(below(x.dims.size() + 1)), x.dims.end());
    for (std::int64_t& dim : dims) dim = coin() ? dim : 1;
    static constexpr const char* kNames[] = {"Add", "Mul", "Sub", "Div", "Max"};
    model_.node(kNames[below(std::size(kNames))], {x.name, constant(dims, 0.5f, 1.5f)}, {made(x.dims).name});
  }
  // Another value that can be stretched to x, if there is one.
  void with_value(const Value& x) {
    std::vector<Value> fitting;
    for (const Value& other : values_) {
      bool fits = other.dims.size() <= x.dims.size();
      for (std::size_t i = 0; fits && i < other.dims.size(); i++) {
        const std::int64_t dim = other.dims[other.dims.size() - 1 - i];
        fits = dim == 1 || dim == x.dims[x.dims.size() - 1 - i];
      }
      if (fits) fitting.push_back(other);
    }
    binary(coin() ? "Add" : "Mul", x, fitting[below(fitting.size())]);
  }
  void choose(const Value& x) {
    const std::string mask = fresh(), other = constant({x.dims.back()});
    const Tensor numbers = random_tensor({x.dims.back()}, random_.next() >> 20);
    auto bits = Tensor::allocate(DType::boolean, numbers.shape());
    for (std::size_t i = 0; i < numbers.as<float>().size(); i++) bits.as<bool>()[i] = numbers.as<float>()[i] > 0;
    model_.initializer(mask, bits.tensor);
    model_.node("Where", {mask, x.name, other}, {made(x.dims).name});
  }
  void identity(const Value& x) { model_.node(coin() ? "Identity" : "Dropout", {x.name}, {made(x.dims).name}); }

  void transpose(const Value& x) {
    Dims perm(x.dims.size()), dims;
    for (std::size_t i = 0; i < perm.size(); i++) perm[i] = static_cast<std::int64_t>(i);
    for (std::size_t i = perm.size(); i > 1; i--) std::swap(perm[i - 1], perm[below(i)]);
    for (const std::int64_t axis : perm) dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
    auto* attribute = model_.node("Transpose", {x.name}, {made(dims).name}).add_attribute();
    attribute->set_name("perm");
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t axis : perm) attribute->add_ints(axis);
  }
  void concatenate(const Value& x) {
    const std::size_t axis = below(x.dims.size());
    std::vector<Value> fitting;
    for (const Value& other : values_) {
      bool fits = other.dims.size() == x.dims.size();
      for (std::size_t i = 0; fits && i < x.dims.size(); i++) fits = i == axis || other.dims[i] == x.dims[i];
      if (fits) fitting.push_back(other);
    }
    const Value other = fitting[below(fitting.size())];
    Dims dims = x.dims;
    dims[axis] += other.dims[axis];
    if (elements(dims) > kMostElements) return;
    set(model_.node("Concat", {x.name, other.name}, {made(dims).name}), "axis", static_cast<std::int64_t>(axis));
  }
  void split(const Value& x) {
    const std::size_t axis = below(x.dims.size());
    if (x.dims[axis] < 2) return;
    Dims first = x.dims, second = x.dims;
    first[axis] = 1 + random_.below(x.dims[axis] - 1);
    second[axis] -= first[axis];
    const Value a = made(first), b = made(second);
    set(model_.node("Split", {x.name, ints({first[axis], second[axis]})}, {a.name, b.name}), "axis",
        static_cast<std::int64_t>(axis));
  }
  void reduce(const Value& x) {
    static constexpr const char* kNames[] = {"ReduceMean", "ReduceMax", "ReduceL2"};
    const bool keep = coin();
    Dims axes, dims;
    for (std::size_t i = 0; i < x.dims.size(); i++) {
      const bool reduced = coin();
      if (reduced) axes.push_back(static_cast<std::int64_t>(i));
      if (!reduced || keep) dims.push_back(reduced ? 1 : x.dims[i]);
    }
    if (axes.empty() || dims.empty()) return;
    set(model_.node(kNames[below(3)], {x.name, ints(axes)}, {made(dims).name}), "keepdims", std::int64_t{keep});
  }
  void softmax(const Value& x) {
    set(model_.node(coin() ? "Softmax" : "LogSoftmax", {x.name}, {made(x.dims).name}), "axis",
        static_cast<std::int64_t>(below(x.dims.size())));
  }
  void slice(const Value& x) {
    const std::size_t axis = below(x.dims.size());
    if (x.dims[axis] < 2) return;
    Dims dims = x.dims;
    dims[axis] -= 1;
    const bool backwards = coin();  // all but the first, or the last, in this or that order
    model_.node("Slice",
                {x.name, ints({backwards ? -1 : 1}), ints({backwards ? 0 : x.dims[axis]}),
                 ints({static_cast<std::int64_t>(axis)}), ints({backwards ? -1 : 1})},
                {made(dims).name});
  }
  void matmul(const Value& x) {
    Dims dims = x.dims;
    dims.back() = 6;
    if (dims.size() < 2 || elements(dims) > kMostElements) return;
    model_.node("MatMul", {x.name, weights({x.dims.back(), 6}, x.dims.back())}, {made(dims).name});
    if (coin()) activation(values_.back());
  }
  void unsqueeze(const Value& x) {
    if (x.dims.size() > 3) return;
    const std::size_t axis = below(x.dims.size() + 1);
    Dims dims = x.dims;
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    model_.node("Unsqueeze", {x.name, ints({static_cast<std::int64_t>(axis)})}, {made(dims).name});
  }

  static std::int64_t elements(const Dims& dims) {
    std::int64_t product = 1;
    for (const std::int64_t dim : dims) product *= dim;
    return product;
  }

  Random random_;
  ModelBuilder model_;
  std::deque<Value> values_;  // a deque: makers hold references while it grows
  std::set<std::string> outputs_;
  int names_ = 0;
};

}  // namespace adze::testing
