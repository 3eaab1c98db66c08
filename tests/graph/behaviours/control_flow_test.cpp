// Behaviour 24: If, Loop and Scan. tests/runtime/dynamic_test.cpp runs them in sessions.
#include "tests/support/graph_runner.h"
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor number(std::int64_t value) { return ints({value}).reshaped({}); }
Tensor truth(bool value) { return tensor_of<bool>({}, {value}); }
Tensor scalar(float value) { return tensor({}, {value}); }

void body(onnx::NodeProto& node, const std::string& name, ModelBuilder graph) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::GRAPH);
  *attribute->mutable_g() = graph.proto().graph();
}

TEST(Behaviour24, BranchesMayDifferInShapeAndRankAndCaptureWhatComesLater) {
  ModelBuilder then, otherwise, m;
  then.output("t");
  then.node("Add", {"x", "later"}, {"t"});
  otherwise.output("e");
  otherwise.node("ReduceSum", {"x"}, {"e"});
  m.input("c", {}, DType::boolean).input("x", {-1}).output("y");
  auto& choice = m.node("If", {"c"}, {"r"});
  body(choice, "then_branch", then);
  body(choice, "else_branch", otherwise);
  m.node("Neg", {"r"}, {"y"});
  m.node("Abs", {"x"}, {"later"});  // behind the If in the file
  expect_values(run_model(m, {truth(true), tensor({2}, {-1, 3})})[0], {2}, {0, -6});
  expect_values(run_model(m, {truth(false), tensor({2}, {-1, 3})})[0], {1}, {-2});
  EXPECT_FALSE(try_model(m, {tensor_of<bool>({2}, {true, true}), tensor({2}, {-1, 3})})) << "one condition";
}

TEST(Behaviour24, ABranchMayGiveAnOuterValueOrAConstantAsItIs) {
  ModelBuilder then, otherwise, m;
  then.output("x");
  otherwise.output("k").initializer("k", tensor({1}, {7}));
  m.input("c", {}, DType::boolean).input("x", {-1}).output("y");
  auto& choice = m.node("If", {"c"}, {"y"});
  body(choice, "then_branch", then);
  body(choice, "else_branch", otherwise);
  expect_values(run_model(m, {truth(true), tensor({2}, {1, 2})})[0], {2}, {1, 2});
  expect_values(run_model(m, {truth(false), tensor({2}, {1, 2})})[0], {1}, {7});
}

// Doubles its state while that is below the limit, and lists it.
ModelBuilder doubling() {
  ModelBuilder b;
  b.input("i", {}, DType::i64).input("go", {}, DType::boolean).input("v", {});
  b.output("on", {}, DType::boolean).output("next", {}).output("seen", {}).output("trip", {}, DType::i64);
  b.node("Add", {"v", "v"}, {"next"});
  b.node("Less", {"next", "limit"}, {"on"});
  b.node("Identity", {"v"}, {"seen"});
  b.node("Identity", {"i"}, {"trip"});
  return b;
}

ModelBuilder loop(const std::string& trips, const std::string& condition) {
  ModelBuilder m;
  m.input("n", {}, DType::i64).input("c", {}, DType::boolean).input("limit", {}).input("v", {});
  m.output("last").output("all").output("numbers", {-1}, DType::i64);
  body(m.node("Loop", {trips, condition, "v"}, {"last", "all", "numbers"}), "body", doubling());
  return m;
}

TEST(Behaviour24, ALoopEndsByCountByConditionByEitherOrAtOnce) {
  const auto expect = [](const ModelBuilder& m, std::int64_t n, bool go, float limit, const std::vector<float>& seen) {
    const auto y = run_model(m, {number(n), truth(go), scalar(limit), scalar(1)});
    ASSERT_EQ(y.size(), 3u);
    const auto trips = static_cast<std::int64_t>(seen.size());
    expect_values(y[0], {}, {static_cast<float>(1 << trips)});
    expect_values(y[1], {trips}, seen);
    ASSERT_EQ(y[2].shape(), Shape{trips});
    for (std::int64_t i = 0; i < trips; i++) EXPECT_EQ(y[2].to_ints()[static_cast<std::size_t>(i)], i);
  };
  expect(loop("n", "c"), 3, true, 100, {1, 2, 4});
  expect(loop("n", "c"), 9, true, 5, {1, 2, 4});  // the condition after the third is false
  expect(loop("n", "c"), 9, false, 5, {});
  expect(loop("n", "c"), 0, true, 5, {});
  expect(loop("n", ""), 2, false, 100, {1, 2});
  expect(loop("", "c"), 0, true, 7, {1, 2, 4});
  expect(loop("", ""), 0, false, 3, {1, 2});
}

TEST(Behaviour24, WhatALoopStacksIsTypedAndShapedAfterNoIterationToo) {
  ModelBuilder b, m;
  b.input("i", {}, DType::i64).input("go", {}, DType::boolean);
  b.output("go", {}, DType::boolean).output("seen", {2, 3}, DType::u8);
  b.node("Cast", {"x"}, {"seen"});
  set(*b.proto().mutable_graph()->mutable_node(0), "to", std::int64_t{2});
  m.input("n", {}, DType::i64).input("x", {2, 3}).output("all", {-1, 2, 3}, DType::u8);
  body(m.node("Loop", {"n", ""}, {"all"}), "body", b);
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run_model(m, {number(2), x})[0].shape(), (Shape{2, 2, 3}));
  const Tensor none = run_model(m, {number(0), x})[0];
  EXPECT_EQ(none.shape(), (Shape{0, 2, 3}));
  EXPECT_EQ(none.type(), DType::u8);
}

TEST(Behaviour24, ALoopsStateMayGrow) {
  ModelBuilder b, m;
  b.input("i", {}, DType::i64).input("go", {}, DType::boolean).input("list", {-1});
  b.output("go", {}, DType::boolean).output("longer", {-1});
  set(b.node("Concat", {"list", "x"}, {"longer"}), "axis", std::int64_t{0});
  m.input("n", {}, DType::i64).input("x", {-1}).output("y");
  m.initializer("empty", tensor({0}, {}));
  body(m.node("Loop", {"n", "", "empty"}, {"y"}), "body", b);
  expect_values(run_model(m, {number(3), tensor({2}, {1, 2})})[0], {6}, {1, 2, 1, 2, 1, 2});
  expect_values(run_model(m, {number(0), tensor({2}, {1, 2})})[0], {0}, {});
}

// next = state + a * b, listed.
ModelBuilder dot_body() {
  ModelBuilder b;
  b.input("state", {}).input("a", {}).input("b", {}).output("next", {}).output("seen", {});
  b.node("Mul", {"a", "b"}, {"ab"});
  b.node("Add", {"state", "ab"}, {"next"});
  b.node("Identity", {"next"}, {"seen"});
  return b;
}

TEST(Behaviour24, ScanWalksSeveralInputsAlongTheirAxesInTheirDirections) {
  ModelBuilder b, m;
  b.input("state", {2}).input("a", {2}).input("b", {2}).output("next", {2}).output("seen", {2});
  b.node("Mul", {"a", "b"}, {"ab"});
  b.node("Add", {"state", "ab"}, {"next"});
  b.node("Identity", {"next"}, {"seen"});
  m.input("a", {3, 2}).input("b", {2, 3}).output("last").output("all");
  m.initializer("zero", tensor({2}, {0, 0}));
  auto& scan = m.node("Scan", {"zero", "a", "b"}, {"last", "all"});
  set(scan, "num_scan_inputs", std::int64_t{2});
  set(scan, "scan_input_axes", {0, -1});
  set(scan, "scan_input_directions", {0, 1});
  set(scan, "scan_output_axes", {-1});
  set(scan, "scan_output_directions", {1});
  body(scan, "body", b);
  const Tensor a = tensor({3, 2}, {1, 2, 3, 4, 5, 6}), other = tensor({2, 3}, {1, 10, 100, 1, 10, 100});
  const auto y = run_model(m, {a, other});  // columns of b from the last: 100, 10, 1
  expect_values(y[0], {2}, {135, 246});
  expect_values(y[1], {2, 3}, {135, 130, 100, 246, 240, 200});
  EXPECT_FALSE(try_model(m, {a, tensor({2, 2}, {1, 2, 3, 4})})) << "lengths differ";
}

TEST(Behaviour24, Scan8HasABatchAndLengthsOfItsOwn) {
  ModelBuilder m(8);
  m.input("lengths", {2}, DType::i64)
      .input("start", {2})
      .input("a", {2, 3})
      .input("b", {2, 3})
      .output("last")
      .output("all");
  auto& scan = m.node("Scan", {"lengths", "start", "a", "b"}, {"last", "all"});
  set(scan, "num_scan_inputs", std::int64_t{2});
  set(scan, "directions", {0, 1});
  body(scan, "body", dot_body());
  const Tensor start = tensor({2}, {0, 1000}), a = tensor({2, 3}, {1, 2, 3, 4, 5, 6}),
               b = tensor({2, 3}, {1, 10, 100, 1, 10, 100});
  const auto run = [&](Ints lengths) { return run_model(m, {ints(std::move(lengths)), start, a, b}); };
  auto y = run({3, 3});
  expect_values(y[0], {2}, {123, 1456});
  expect_values(y[1], {2, 3}, {100, 120, 123, 1400, 1450, 1456});
  y = run({3, 2});  // the second row's last element is never seen: 4 * 10 + 5 * 1
  expect_values(y[0], {2}, {123, 1045});
  expect_values(y[1], {2, 3}, {100, 120, 123, 1040, 1045, 0});
  y = run({0, 1});
  expect_values(y[0], {2}, {0, 1004});
  expect_values(y[1], {2, 3}, {0, 0, 0, 1004, 0, 0});
  EXPECT_FALSE(try_model(m, {ints({4, 1}), start, a, b}));
  EXPECT_FALSE(try_model(m, {ints({-1, 1}), start, a, b}));
  EXPECT_FALSE(try_model(m, {ints({1}), start, a, b}));
}

TEST(Behaviour24, Scan8WithoutLengthsWalksAllOfIt) {
  ModelBuilder m(8);
  m.input("start", {2}).input("a", {2, 3}).input("b", {2, 3}).output("last");
  auto& scan = m.node("Scan", {"", "start", "a", "b"}, {"last", "all"});
  set(scan, "num_scan_inputs", std::int64_t{2});
  body(scan, "body", dot_body());
  const Tensor a = tensor({2, 3}, {1, 2, 3, 4, 5, 6}), b = tensor({2, 3}, {1, 10, 100, 1, 10, 100});
  expect_values(run_model(m, {tensor({2}, {0, 1000}), a, b})[0], {2}, {321, 1654});
}

}  // namespace
}  // namespace adze::testing
