// Behaviour 20: shapes that a model computes, as exporters write them.
#include "tests/support/graph_runner.h"
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor number(std::int64_t value) { return ints({value}).reshaped({}); }

// What is left of the model for an input of that shape, and the result's shape.
struct Left {
  std::size_t nodes = 0;
  std::string shape;
  bool operator==(const Left&) const = default;
};
Left left_for(const ModelBuilder& m, const Shape& shape) {
  auto graph = try_parse(m);
  EXPECT_TRUE(graph) << graph.error().message;
  if (!graph) return {};
  const auto g = specialise(*graph, std::vector<InputShape>{{shape}}, std::size_t{1} << 20);
  EXPECT_TRUE(g) << g.error().message;
  return g ? Left{g->graph.nodes.size() + g->rest.size(), to_string(g->shape(g->graph.outputs[0].value))} : Left{};
}
std::ostream& operator<<(std::ostream& out, const Left& left) { return out << left.nodes << " nodes, " << left.shape; }

TEST(Behaviour20, FlattenWrittenAsShapeGatherUnsqueezeConcatReshape) {
  ModelBuilder m;
  m.input("x", {-1, 3, -1, -1}).output("y");
  m.initializer("zero", number(0)).initializer("axes", ints({0})).initializer("rest", ints({-1}));
  m.node("Shape", {"x"}, {"s"});
  m.node("Gather", {"s", "zero"}, {"n"});
  m.node("Unsqueeze", {"n", "axes"}, {"n1"});
  set(m.node("Concat", {"n1", "rest"}, {"target"}), "axis", std::int64_t{0});
  m.node("Reshape", {"x", "target"}, {"y"});
  EXPECT_EQ(left_for(m, {2, 3, 4, 5}), (Left{1, "2x60"}));
  EXPECT_EQ(left_for(m, {7, 3, 1, 2}), (Left{1, "7x6"}));
  EXPECT_EQ(left_for(m, {2, 3, 0, 5}), (Left{1, "2x0"}));
}

TEST(Behaviour20, ShapeOfARangeOfAxesFromVersion15) {
  ModelBuilder m;
  m.input("x", {-1, -1, -1, -1}).output("y");
  auto& shape = m.node("Shape", {"x"}, {"s"});
  set(shape, "start", std::int64_t{-3});
  set(shape, "end", std::int64_t{-1});
  m.node("ReduceProd", {"s"}, {"p"});
  m.initializer("rest", ints({-1}));
  set(m.node("Concat", {"p", "rest"}, {"target"}), "axis", std::int64_t{0});
  m.proto().mutable_graph()->mutable_node(1)->clear_attribute();
  set(*m.proto().mutable_graph()->mutable_node(1), "keepdims", std::int64_t{1});
  m.node("Reshape", {"x", "target"}, {"y"});
  EXPECT_EQ(left_for(m, {2, 3, 4, 5}), (Left{1, "12x10"}));
}

TEST(Behaviour20, SizesScaledInFloatFlooredAndCastBack) {
  ModelBuilder m;
  m.input("x", {-1, -1, -1, -1}).output("y");
  m.initializer("two", ints({2})).initializer("four", ints({4})).initializer("zero", ints({0}));
  m.initializer("scale", tensor({2}, {0.7f, 1.5f}));
  m.node("Shape", {"x"}, {"s"});
  m.node("Slice", {"s", "two", "four"}, {"hw"});
  m.node("Slice", {"s", "zero", "two"}, {"nc"});
  set(m.node("Cast", {"hw"}, {"hwf"}), "to", std::int64_t{1});
  m.node("Mul", {"hwf", "scale"}, {"scaled"});
  m.node("Floor", {"scaled"}, {"floored"});
  set(m.node("Cast", {"floored"}, {"hw2"}), "to", std::int64_t{7});
  set(m.node("Concat", {"nc", "hw2"}, {"sizes"}), "axis", std::int64_t{0});
  m.node("Resize", {"x", "", "", "sizes"}, {"y"});
  // 10 * 0.7f is 7 in float, but less in double.
  EXPECT_EQ(left_for(m, {1, 2, 10, 5}), (Left{1, "1x2x7x7"}));
}

TEST(Behaviour20, PositionsWrittenAsNonZeroOfOnesOrAsRange) {
  ModelBuilder m;
  m.input("x", {-1}).output("y", {-1}, DType::i64).output("z", {-1}, DType::i64);
  m.initializer("zero", number(0)).initializer("one", number(1)).initializer("first", ints({0}));
  m.node("Shape", {"x"}, {"s"});
  m.node("ConstantOfShape", {"s"}, {"zeros"});
  m.node("Cos", {"zeros"}, {"ones"});
  m.node("NonZero", {"ones"}, {"at"});
  m.node("Squeeze", {"at", "first"}, {"y"});
  m.node("Gather", {"s", "zero"}, {"n"});
  m.node("Range", {"zero", "n", "one"}, {"z"});
  EXPECT_EQ(left_for(m, {4}), (Left{0, "4"}));
  const auto results = run_model(m, {tensor({4}, {9, 9, 9, 9})});
  EXPECT_EQ(values<std::int64_t>(results[0]), (Ints{0, 1, 2, 3}));
  EXPECT_EQ(values<std::int64_t>(results[1]), (Ints{0, 1, 2, 3}));
}

TEST(Behaviour20, ReshapeCopiesInfersAndAllowsZero) {
  const auto shape = [](const Shape& from, Ints wanted, std::int64_t allow_zero) {
    const auto result = try_op("Reshape", 14, {{"allowzero", allow_zero}},
                               {Tensor::allocate(DType::f32, from).tensor, ints(std::move(wanted))});
    return result ? to_string((*result)[0].shape()) : std::string("refused");
  };
  EXPECT_EQ(shape({2, 3, 4}, {0, 0, 2, 2}, 0), "2x3x2x2");
  EXPECT_EQ(shape({2, 3, 4}, {-1, 0}, 0), "8x3");
  EXPECT_EQ(shape({2, 3, 4}, {0, -1, 0}, 1), "refused") << "a size that can't be told";
  EXPECT_EQ(shape({0, 3}, {0, -1}, 0), "refused") << "the same: any size would do";
  EXPECT_EQ(shape({0, 3}, {5, 0}, 1), "5x0");
  EXPECT_EQ(shape({0, 3}, {-1, 3}, 0), "0x3");
  EXPECT_EQ(shape({1}, {}, 0), "scalar");
  EXPECT_EQ(shape({}, {-1, 1}, 0), "1x1");
}

TEST(Behaviour20, ExpandBroadcastsBothWays) {
  const Tensor x = tensor({3, 1}, {1, 2, 3});
  const auto shape = [&](Ints wanted) { return run_op("Expand", 13, {}, {x, ints(std::move(wanted))}).shape(); };
  EXPECT_EQ(shape({2, 1, 4}), (Shape{2, 3, 4}));
  EXPECT_EQ(shape({1}), (Shape{3, 1}));
  EXPECT_EQ(shape({}), (Shape{3, 1}));
  EXPECT_EQ(shape({1, 2}), (Shape{3, 2}));
  EXPECT_EQ(shape({0}), (Shape{3, 0}));
  EXPECT_FALSE(try_op("Expand", 13, {}, {x, ints({2, 2})}));
}

TEST(Behaviour20, IntegerShapesAreNotRoundedThroughFloats) {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  for (const char* op : {"Add", "Max"}) {
    EXPECT_EQ(run_op(op, 13, {}, {ints({large}), ints({0})}).to_ints(), (Ints{large}));
  }
  EXPECT_EQ(run_op("Mul", 13, {}, {ints({large}), ints({1})}).to_ints(), (Ints{large}));
  EXPECT_EQ(run_op("ReduceSum", 13, {}, {ints({large, 0})}).to_ints(), (Ints{large}));
  EXPECT_EQ(run_op("Where", 16, {}, {tensor_of<bool>({1}, {true}), ints({large}), ints({0})}).to_ints(), (Ints{large}));
}

}  // namespace
}  // namespace adze::testing
