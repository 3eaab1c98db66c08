// Behaviour 22: model-local functions.
#include "tests/support/function_model.h"
#include "tests/support/graph_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

const Tensor kX = tensor_of<float>({3}, {-2, 1, 3});

TEST(Behaviour22, AFunctionIsCalledTwiceAndKeepsItsInnerNamesApart) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& f = m.function("SquarePlus", {"a", "b"}, {"c"});
  node(f, "Mul", {"a", "a"}, {"inner"});
  node(f, "Add", {"inner", "b"}, {"c"});
  m.call("SquarePlus", {"x", "x"}, {"inner"});  // the model's own "inner" is another value
  m.call("SquarePlus", {"inner", "x"}, {"y"});
  expect_values(run_model(m, {kX})[0], {3}, {2, 5, 147});
}

TEST(Behaviour22, BodyNodesInAnyOrderAndNamesThatTheModelTookAlready) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& f = m.function("F", {"a"}, {"c"});
  node(f, "Neg", {"t"}, {"c"});
  node(f, "Relu", {"a"}, {"t"});
  m.call("F", {"x"}, {"f/t"}).set_name("f");
  m.node("Add", {"f/t", "x"}, {"y"});
  expect_values(run_model(m, {kX})[0], {3}, {-2, 0, 0});
}

TEST(Behaviour22, AttributesAreReferredToAndHaveDefaults) {
  FunctionModel m;
  m.input("x", {3}).output("y").output("z").output("w");
  auto& f = m.function("Leak", {"a"}, {"b"});
  f.add_attribute("slope");  // without a default
  auto* fallback = f.add_attribute_proto();
  fallback->set_name("offset");
  fallback->set_type(onnx::AttributeProto::FLOAT);
  fallback->set_f(10);
  refer(node(f, "LeakyRelu", {"a"}, {"t"}), "alpha", "slope", onnx::AttributeProto::FLOAT);
  refer(node(f, "Constant", {}, {"k"}), "value_float", "offset", onnx::AttributeProto::FLOAT);
  node(f, "Add", {"t", "k"}, {"b"});
  set_real(m.call("Leak", {"x"}, {"y"}), "slope", 0.5f);
  auto& both = m.call("Leak", {"x"}, {"z"});
  set_real(both, "slope", 2);
  set_real(both, "offset", 1);
  m.call("Leak", {"x"}, {"w"});  // LeakyRelu's own default of 0.01
  const auto results = run_model(m, {kX});
  expect_values(results[0], {3}, {9, 11, 13});
  expect_values(results[1], {3}, {-3, 2, 4});
  expect_values(results[2], {3}, {9.98f, 11, 13});
}

TEST(Behaviour22, FunctionsCallFunctionsAndHandAttributesOn) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& inner = m.function("Inner", {"a"}, {"b"});
  inner.add_attribute("alpha");
  refer(node(inner, "LeakyRelu", {"a"}, {"b"}), "alpha", "alpha", onnx::AttributeProto::FLOAT);
  auto& outer = m.function("Outer", {"a"}, {"b"});
  outer.add_attribute("slope");
  refer(local(node(outer, "Inner", {"a"}, {"t"})), "alpha", "slope", onnx::AttributeProto::FLOAT);
  node(outer, "Neg", {"t"}, {"b"});
  set_real(m.call("Outer", {"x"}, {"y"}), "slope", 4);
  expect_values(run_model(m, {kX})[0], {3}, {8, -1, -3});
}

TEST(Behaviour22, TheOperatorSetIsTheFunctionsNotTheModels) {
  FunctionModel m(13);
  m.input("x", {2, 2}).output("y").output("z");
  node(m.function("Old", {"a"}, {"b"}, 11), "Softmax", {"a"}, {"b"});  // axis 1 of two
  auto& squeeze = m.function("Attribute", {"a"}, {"b"}, 11);           // axes were an attribute then
  set(node(squeeze, "Unsqueeze", {"a"}, {"b"}), "axes", {0});
  m.call("Old", {"x"}, {"y"});
  m.call("Attribute", {"x"}, {"z"});
  const auto results = run_model(m, {tensor_of<float>({2, 2}, {0, 0, 5, 5})});
  expect_values(results[0], {2, 2}, {0.5f, 0.5f, 0.5f, 0.5f});
  expect_values(results[1], {1, 2, 2}, {0, 0, 5, 5});
}

TEST(Behaviour22, OverloadsAreFunctionsOfTheirOwn) {
  FunctionModel m;
  m.input("x", {3}).output("y").output("z");
  node(m.function("F", {"a"}, {"b"}), "Neg", {"a"}, {"b"});
  auto& second = m.function("F", {"a"}, {"b"});
  second.set_overload("abs");
  node(second, "Abs", {"a"}, {"b"});
  m.call("F", {"x"}, {"y"});
  m.call("F", {"x"}, {"z"}).set_overload("abs");
  const auto results = run_model(m, {kX});
  expect_values(results[0], {3}, {2, -1, -3});
  expect_values(results[1], {3}, {2, 1, 3});

  m.proto().mutable_graph()->mutable_node(1)->set_overload("none");
  expect_model_refused(m, Code::unsupported, "overload \"none\"");
}

TEST(Behaviour22, InputsAndOutputsMayBeLeftOut) {
  FunctionModel m;
  m.input("x", {3}).output("y").output("z");
  auto& f = m.function("Bounded", {"a", "low", "high"}, {"b", "c"});
  node(f, "Clip", {"a", "low", "high"}, {"b"});
  node(f, "Neg", {"b"}, {"c"});
  m.initializer("two", tensor_of<float>({}, {2}));
  m.call("Bounded", {"x", "", "two"}, {"y"});
  m.call("Bounded", {"x"}, {"", "z"});
  const auto results = run_model(m, {kX});
  expect_values(results[0], {3}, {-2, 1, 2});
  expect_values(results[1], {3}, {2, -1, -3});
}

TEST(Behaviour22, AnInputMayBeAnOutputAndAnOutputMayAppearTwice) {
  FunctionModel m;
  m.input("x", {3}).output("y").output("z").output("w");
  node(m.function("F", {"a"}, {"a", "b", "b"}), "Neg", {"a"}, {"b"});
  m.call("F", {"x"}, {"y", "z", "w"});
  const auto results = run_model(m, {kX});
  expect_values(results[0], {3}, {-2, 1, 3});
  expect_values(results[1], {3}, {2, -1, -3});
  expect_values(results[2], {3}, {2, -1, -3});
}

TEST(Behaviour22, GraphsInsideFunctionsSeeTheirValuesAndAttributes) {
  FunctionModel m;
  m.input("c", {}, DType::boolean).input("x", {3}).output("y").output("z");
  auto& leak = m.function("Leak", {"v"}, {"r"});
  leak.add_attribute("slope");
  refer(node(leak, "LeakyRelu", {"v"}, {"r"}), "alpha", "slope", onnx::AttributeProto::FLOAT);
  auto& f = m.function("Choose", {"c", "a"}, {"b"});
  f.add_attribute("slope");
  auto& choice = node(f, "If", {"c"}, {"b"});
  const auto branch = [&](const char* name) -> onnx::GraphProto& {
    auto* attribute = choice.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    return *attribute->mutable_g();
  };
  ModelBuilder then, otherwise;
  then.output("t");
  refer(local(then.node("Leak", {"a"}, {"t"})), "slope", "slope", onnx::AttributeProto::FLOAT);
  otherwise.output("t");
  otherwise.node("Neg", {"a"}, {"t"});
  branch("then_branch") = then.proto().graph();
  branch("else_branch") = otherwise.proto().graph();
  set_real(m.call("Choose", {"c", "x"}, {"y"}), "slope", 3);
  set_real(m.call("Choose", {"c", "y"}, {"z"}), "slope", 2);
  const auto run = [&](bool condition) { return run_model(m, {tensor_of<bool>({}, {condition}), kX}); };
  expect_values(run(true)[1], {3}, {-12, 1, 3});
  expect_values(run(false)[1], {3}, {-2, 1, 3});
  expect_values(run(false)[0], {3}, {2, -1, -3});
}

TEST(Behaviour22, AFunctionTakesPrecedenceOverTheOperatorOfItsName) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& f = m.function("Relu", {"a"}, {"b"});
  f.set_domain("ai.onnx");
  node(f, "Neg", {"a"}, {"b"});
  m.node("Relu", {"x"}, {"y"});
  expect_values(run_model(m, {kX})[0], {3}, {2, -1, -3});
}

TEST(Behaviour22, FunctionsThatNobodyCallsAreNotLookedAt) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& f = m.function("Broken", {"a", "a"}, {"b"}, 99);
  local(node(f, "Broken", {"nowhere"}, {"b"}));
  m.node("Neg", {"x"}, {"y"});
  expect_values(run_model(m, {kX})[0], {3}, {2, -1, -3});
}

}  // namespace
}  // namespace adze::testing
