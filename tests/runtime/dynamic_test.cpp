// Models whose shapes follow from values: parts planned one after the other, nodes that run on whole tensors between
// them, and graphs inside nodes.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/model_builder.h"

namespace adze::testing {
namespace {

Tensor floats(const Shape& shape, std::vector<float> values) { return Tensor::from<float>(shape, values); }
Tensor ints(std::vector<std::int64_t> values) { return Tensor::from_ints(values); }
Tensor scalar(std::int64_t value) { return Tensor::from<std::int64_t>({}, std::span(&value, 1)); }
Tensor truth(bool value) { return Tensor::from<bool>({}, std::span(&value, 1)); }

class Dynamic : public ::testing::Test {
 protected:
  void load(const ModelBuilder& model, int threads = 1) {
    auto loaded = Model::from_bytes(bytes_of(model.serialized()), "test", {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    model_ = *loaded;
    session_ = std::make_unique<Session>(model_, std::make_shared<ThreadPool>(threads));
  }
  Result<void> try_run(const std::vector<Tensor>& inputs, const CancelFlag& cancel = CancelFlag()) {
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) shapes.push_back(input.shape());
    ADZE_CHECK(session_->reshape(shapes));
    for (std::size_t i = 0; i < inputs.size(); i++) session_->bind_input(static_cast<int>(i), inputs[i].raw());
    return session_->run(cancel);
  }
  void run(const std::vector<Tensor>& inputs) {
    const auto ran = try_run(inputs);
    ASSERT_TRUE(ran) << ran.error().message;
  }
  void expect(int output, const Shape& shape, const std::vector<float>& values) {
    ASSERT_EQ(to_string(session_->output_info(output).shape), to_string(shape));
    const auto* got = reinterpret_cast<const float*>(session_->output(output).data());
    EXPECT_EQ(std::vector<float>(got, got + values.size()), values);
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
};

onnx::GraphProto& body(onnx::NodeProto& node, const std::string& name, const ModelBuilder& graph) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::GRAPH);
  *attribute->mutable_g() = const_cast<ModelBuilder&>(graph).proto().graph();
  return *attribute->mutable_g();
}

TEST_F(Dynamic, AShapeThatIsAnInputPlansAnew) {
  ModelBuilder m;
  m.input("x", {-1, -1}).input("shape", {-1}, DType::i64).output("y", {-1, -1}).output("z", {-1, -1});
  m.node("Relu", {"x"}, {"r"});
  m.node("Reshape", {"r", "shape"}, {"y"});
  m.node("Neg", {"r"}, {"z"});  // needs no shape that is not known
  load(m);
  const Tensor x = floats({2, 3}, {1, -2, 3, 4, 5, -6});
  run({x, ints({3, 2})});
  expect(0, {3, 2}, {1, 0, 3, 4, 5, 0});
  expect(1, {2, 3}, {-1, -0.0f, -3, -4, -5, -0.0f});
  run({x, ints({6, 1})});
  expect(0, {6, 1}, {1, 0, 3, 4, 5, 0});
  run({x, ints({3, 2})});  // a plan that is kept
  expect(0, {3, 2}, {1, 0, 3, 4, 5, 0});
  const auto refused = try_run({x, ints({4, 2})});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("Reshape"), std::string::npos) << refused.error().message;
  run({x, ints({1, 6})});
  expect(0, {1, 6}, {1, 0, 3, 4, 5, 0});
}

TEST_F(Dynamic, ComputedParametersPlanAnewToo) {
  ModelBuilder m;
  m.input("x", {-1}).input("k", {}, DType::i32).output("values", {-1}).output("indices", {-1}, DType::i64);
  m.initializer("one", ints({1}));
  auto& cast = m.node("Cast", {"k"}, {"k64"});
  set(cast, "to", 7);
  m.node("Reshape", {"k64", "one"}, {"k1"});
  m.node("TopK", {"x", "k1"}, {"values", "indices"});
  load(m);
  const Tensor x = floats({5}, {3, 1, 4, 1, 5});
  const std::int32_t two = 2, four = 4;
  run({x, Tensor::from<std::int32_t>({}, std::span(&two, 1))});
  expect(0, {2}, {5, 4});
  run({x, Tensor::from<std::int32_t>({}, std::span(&four, 1))});
  expect(0, {4}, {5, 4, 3, 1});
}

TEST_F(Dynamic, WhatFollowsFromDataRunsBetweenPlans) {
  ModelBuilder m;
  m.input("x", {-1}).output("y", {-1, 1}).output("n", {1}, DType::i64);
  m.initializer("axes", ints({1})).initializer("two", floats({}, {2}));
  m.node("Relu", {"x"}, {"r"});
  m.node("NonZero", {"r"}, {"at"});
  auto& transpose = m.node("Transpose", {"at"}, {"rows"});
  set(transpose, "perm", {1, 0});
  m.node("GatherND", {"r", "rows"}, {"kept"});
  m.node("Mul", {"kept", "two"}, {"scaled"});
  m.node("Unsqueeze", {"scaled", "axes"}, {"y"});
  m.node("Shape", {"kept"}, {"n"});
  load(m);
  for (int round = 0; round < 3; round++) {
    run({floats({4}, {1, -1, 2, 0})});
    expect(0, {2, 1}, {2, 4});
    run({floats({4}, {1, 3, 2, 5})});
    expect(0, {4, 1}, {2, 6, 4, 10});
    run({floats({3}, {-1, -1, -1})});
    expect(0, {0, 1}, {});
    EXPECT_EQ(*reinterpret_cast<const std::int64_t*>(session_->output(1).data()), 0);
  }
}

TEST_F(Dynamic, IfTakesABranchAndSeesWhatIsAround) {
  ModelBuilder m;
  m.input("c", {}, DType::boolean).input("x", {-1}).output("y");
  m.initializer("three", floats({}, {3}));
  m.node("Neg", {"x"}, {"outside"});
  ModelBuilder then_branch, else_branch;
  then_branch.output("t");
  then_branch.node("Mul", {"outside", "three"}, {"t"});
  else_branch.output("e");
  else_branch.node("Concat", {"outside", "x"}, {"e"});
  set(*else_branch.proto().mutable_graph()->mutable_node(0), "axis", 0);
  auto& node = m.node("If", {"c"}, {"branch"});
  body(node, "then_branch", then_branch);
  body(node, "else_branch", else_branch);
  m.node("Relu", {"branch"}, {"y"});
  for (const int threads : {1, 3}) {
    load(m, threads);
    run({truth(true), floats({2}, {-1, 2})});
    expect(0, {2}, {3, 0});
    run({truth(false), floats({2}, {-1, 2})});
    expect(0, {4}, {1, 0, 0, 2});
    run({truth(true), floats({3}, {-1, 2, -5})});
    expect(0, {3}, {3, 0, 15});
  }
}

ModelBuilder summing_body() {
  ModelBuilder b;
  b.input("i", {}, DType::i64).input("go", {}, DType::boolean).input("sum", {-1});
  b.output("go_on", {}, DType::boolean).output("next", {-1}).output("seen", {-1});
  b.node("Identity", {"go"}, {"go_on"});
  b.node("Add", {"sum", "step"}, {"next"});  // step is around the loop
  b.node("Identity", {"next"}, {"seen"});
  return b;
}

TEST_F(Dynamic, LoopCarriesStateAndStacksResults) {
  ModelBuilder m;
  m.input("n", {}, DType::i64).input("step", {-1}).output("last").output("all");
  m.initializer("zero", floats({2}, {0, 0}));
  auto& node = m.node("Loop", {"n", "", "zero"}, {"last", "all"});
  body(node, "body", summing_body());
  load(m);
  run({scalar(3), floats({2}, {1, 10})});
  expect(0, {2}, {3, 30});
  expect(1, {3, 2}, {1, 10, 2, 20, 3, 30});
  run({scalar(0), floats({2}, {1, 10})});
  expect(0, {2}, {0, 0});
  ASSERT_EQ(session_->output_info(1).shape[0], 0);
}

TEST_F(Dynamic, AnEndlessLoopIsCancelled) {
  ModelBuilder m;
  m.input("step", {-1}).output("last").output("all");
  m.initializer("zero", floats({1}, {0})).initializer("yes", truth(true));
  auto& node = m.node("Loop", {"", "yes", "zero"}, {"last", "all"});
  body(node, "body", summing_body());
  load(m);
  CancelFlag cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancel.request();
  });
  const auto ran = try_run({floats({1}, {1})}, cancel);
  canceller.join();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Code::cancelled) << ran.error().message;
}

TEST_F(Dynamic, GraphsInsideGraphsSeeTheOutermost) {
  ModelBuilder m;
  m.input("c", {}, DType::boolean).input("x", {-1}).output("y");
  ModelBuilder deepest, middle;
  deepest.output("d");
  deepest.node("Add", {"x", "x"}, {"d"});
  middle.output("m");
  auto& inner = middle.node("If", {"c"}, {"m"});
  body(inner, "then_branch", deepest);
  body(inner, "else_branch", deepest);
  auto& outer = m.node("If", {"c"}, {"y"});
  body(outer, "then_branch", middle);
  body(outer, "else_branch", deepest);
  load(m);
  run({truth(true), floats({2}, {1, 2})});
  expect(0, {2}, {2, 4});
}

TEST_F(Dynamic, ScanRunsForwardsAndBackwards) {
  ModelBuilder b;
  b.input("sum", {}).input("item", {}).output("next", {}).output("seen", {});
  b.node("Add", {"sum", "item"}, {"next"});
  b.node("Identity", {"next"}, {"seen"});
  ModelBuilder m;
  m.input("x", {-1}).output("last").output("all");
  m.initializer("zero", floats({}, {0}));
  auto& node = m.node("Scan", {"zero", "x"}, {"last", "all"});
  set(node, "num_scan_inputs", 1);
  set(node, "scan_input_directions", {1});
  body(node, "body", b);
  load(m);
  run({floats({3}, {1, 2, 4})});
  expect(0, {}, {7});
  expect(1, {3}, {4, 6, 7});
}

TEST_F(Dynamic, ABodyThatDrawsIsNotFoldedThoughItsInputsAreConstant) {
  ModelBuilder m;
  m.initializer("c", truth(true)).output("y");
  ModelBuilder branch;
  branch.output("t");
  set(branch.node("RandomUniform", {}, {"t"}), "shape", {4});
  auto& node = m.node("If", {"c"}, {"y"});
  body(node, "then_branch", branch);
  body(node, "else_branch", branch);
  load(m);
  const auto drawn = [&] {
    run({});
    const auto bytes = session_->output(0);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  EXPECT_NE(drawn(), drawn());
}

TEST_F(Dynamic, BrokenBodiesAreRefusedWithTheirNode) {
  ModelBuilder m;
  m.input("c", {}, DType::boolean).output("y");
  ModelBuilder branch;
  branch.output("t");
  branch.node("Relu", {"nowhere"}, {"t"});
  auto& node = m.node("If", {"c"}, {"y"});
  node.set_name("choice");
  body(node, "then_branch", branch);
  body(node, "else_branch", branch);
  const auto loaded = Model::from_bytes(bytes_of(m.serialized()), "test", {});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("choice"), std::string::npos) << loaded.error().message;
  EXPECT_NE(loaded.error().message.find("nowhere"), std::string::npos) << loaded.error().message;
}

TEST_F(Dynamic, UnsupportedOperatorsInBodiesAreListedAtLoad) {
  ModelBuilder m;
  m.input("c", {}, DType::boolean).input("x", {1}).output("y");
  ModelBuilder branch;
  branch.output("t");
  branch.node("NoSuchThing", {"x"}, {"t"});
  auto& node = m.node("If", {"c"}, {"y"});
  body(node, "then_branch", branch);
  body(node, "else_branch", branch);
  const auto loaded = Model::from_bytes(bytes_of(m.serialized()), "test", {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::unsupported);
  EXPECT_NE(loaded.error().message.find("NoSuchThing"), std::string::npos) << loaded.error().message;
}

}  // namespace
}  // namespace adze::testing
