// Gelu written out: each way of writing it becomes one function, what only looks like it stays.
#include <gtest/gtest.h>

#include "tests/support/passes_runner.h"

namespace adze::testing {
namespace {

enum class Tail { by_x_then_half, by_half_then_x, by_half_of_x };

struct Written {
  bool divides = true;   // x / root; else x * root
  bool swapped = false;  // the operands of sums and products
  Tail tail = Tail::by_x_then_half;
  float root = 0;  // 0: that of 2, or of 1/2 where it multiplies
  float one = 1, half = 0.5f;

  // The scaled x, Erf, the sum, and what is computed next.
  static constexpr const char* kInner[] = {"scaled", "erf", "sum", "product"};
};

class GeluGraph : public ModelBuilder {
 public:
  explicit GeluGraph(const Written& w = {}, const Shape& constants = {}) : swapped_(w.swapped) {
    input("x", {2, 20}).output("y");
    const float root = w.root != 0 ? w.root : w.divides ? 1.41421356f : 0.70710678f;
    for (const auto& [name, value] : {std::pair{"root", root}, {"one", w.one}, {"half", w.half}}) {
      auto tensor = Tensor::allocate(DType::f32, constants);
      std::fill_n(tensor.as<float>(), constants.elements(), value);
      initializer(name, tensor.tensor);
    }
    if (w.divides) {
      node("Div", {"x", "root"}, {"scaled"});
    } else {
      binary("Mul", "x", "root", "scaled");
    }
    node("Erf", {"scaled"}, {"erf"});
    binary("Add", "erf", "one", "sum");
    switch (w.tail) {
      case Tail::by_x_then_half:
        binary("Mul", "sum", "x", "product");
        binary("Mul", "product", "half", "y");
        break;
      case Tail::by_half_then_x:
        binary("Mul", "sum", "half", "product");
        binary("Mul", "product", "x", "y");
        break;
      case Tail::by_half_of_x:
        binary("Mul", "x", "half", "product");
        binary("Mul", "sum", "product", "y");
        break;
    }
  }

 private:
  void binary(const char* op, const char* a, const char* b, const char* to) {
    node(op, {swapped_ ? b : a, swapped_ ? a : b}, {to});
  }
  bool swapped_;
};

constexpr Tail kTails[] = {Tail::by_x_then_half, Tail::by_half_then_x, Tail::by_half_of_x};

void expect_left(const ModelBuilder& m) {
  const PassesRun run = expect_passes_agree(m.serialized());
  EXPECT_EQ(run.steps.find("Gelu"), std::string::npos) << run.steps;
  EXPECT_NE(run.steps.find("Erf"), std::string::npos) << run.steps;
  EXPECT_TRUE(run.exact);
}

TEST(Gelu, EveryWayOfWritingItIsOneFunction) {
  for (const bool divides : {false, true}) {
    for (const bool swapped : {false, true}) {
      for (const Tail tail : kTails) {
        SCOPED_TRACE(concat(divides ? "Div" : "Mul", swapped ? " swapped" : "", " tail ", static_cast<int>(tail)));
        expect_steps(GeluGraph({.divides = divides, .swapped = swapped, .tail = tail}), "Gelu", kRounds);
      }
    }
  }
}

TEST(Gelu, AConstantMayHaveAxesOfOneElement) { expect_steps(GeluGraph({}, {1, 1}), "Gelu", kRounds); }

TEST(Gelu, SeveralInARow) {
  GeluGraph m;
  m.output("z");
  m.node("Div", {"y", "root"}, {"a"});
  m.node("Erf", {"a"}, {"b"});
  m.node("Add", {"b", "one"}, {"c"});
  m.node("Mul", {"c", "y"}, {"d"});
  m.node("Mul", {"d", "half"}, {"z"});
  expect_steps(m, "Gelu Gelu", kRounds);
}

TEST(Gelu, OtherConstantsStay) {
  for (const Tail tail : kTails) {
    SCOPED_TRACE(static_cast<int>(tail));
    expect_left(GeluGraph({.tail = tail, .root = 1.4142f}));
    expect_left(GeluGraph({.divides = false, .tail = tail, .root = 1.41421356f}));
    expect_left(GeluGraph({.tail = tail, .root = 0.70710678f}));
    expect_left(GeluGraph({.tail = tail, .one = 2}));
    expect_left(GeluGraph({.tail = tail, .half = 0.25f}));
  }
}

TEST(Gelu, ConstantsThatAreNoScalarsStay) {
  for (const Tail tail : kTails) {
    expect_left(GeluGraph({.tail = tail}, {20}));
    expect_left(GeluGraph({.tail = tail}, {1, 1, 1}));  // gives the result an axis more
  }
}

TEST(Gelu, ARootDividedByXStays) {
  GeluGraph m;
  m.proto().mutable_graph()->mutable_node(0)->mutable_input()->SwapElements(0, 1);
  expect_left(m);
}

TEST(Gelu, AnotherFactorThanXStays) {
  for (const Tail tail : kTails) {
    GeluGraph m({.tail = tail});
    m.input("other", {2, 20});
    auto* graph = m.proto().mutable_graph();
    for (int n = 1; n < graph->node_size(); n++) {
      for (std::string& name : *graph->mutable_node(n)->mutable_input()) {
        if (name == "x") name = "other";
      }
    }
    expect_left(m);
  }
}

TEST(Gelu, WhatIsReadFromOutsideStays) {
  for (const Tail tail : kTails) {
    for (const char* inner : Written::kInner) {
      SCOPED_TRACE(concat(inner, " tail ", static_cast<int>(tail)));
      GeluGraph read({.tail = tail});
      read.output("z").node("Neg", {inner}, {"z"});
      expect_left(read);
      GeluGraph kept({.tail = tail});
      kept.output(inner);
      expect_left(kept);
    }
  }
}

}  // namespace
}  // namespace adze::testing
