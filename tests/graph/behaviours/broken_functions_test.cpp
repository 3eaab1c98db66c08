// Behaviour 22: functions and calls that are wrong or hostile.
#include "graph/onnx/functions.h"
#include "tests/support/function_model.h"
#include "tests/support/graph_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

const Tensor kX = tensor_of<float>({3}, {-2, 1, 3});

TEST(Behaviour22, WrongCallsAreRefusedWithTheirName) {
  const auto refused = [](auto change, Code code, const std::string& part) {
    FunctionModel m;
    m.input("x", {3}).output("y");
    auto& f = m.function("F", {"a"}, {"b"});
    auto& inner = node(f, "LeakyRelu", {"a"}, {"b"});
    auto& call = m.call("F", {"x"}, {"y"});
    call.set_name("caller");
    change(m, f, inner, call);
    expect_model_refused(m, code, "\"caller");
    expect_model_refused(m, code, part);
  };
  using M = FunctionModel&;
  using F = onnx::FunctionProto&;
  using N = onnx::NodeProto&;
  refused([](M, F, N, N call) { call.add_input("x"); }, Code::invalid_model, "has 2 inputs, but function \"F\" has 1");
  refused([](M, F, N, N call) { call.add_output("z"); }, Code::invalid_model, "has 2 outputs");
  refused([](M, F, N, N call) { set_real(call, "k", 1); }, Code::invalid_model, "\"k\": is not one of the function's");
  refused([](M, F f, N, N) { f.add_input("a"); }, Code::invalid_model, "\"a\" appears twice");
  refused([](M, F, N inner, N) { inner.set_input(0, "q"); }, Code::invalid_model, "is not defined");
  refused([](M, F, N inner, N) { inner.set_op_type("Nope"); }, Code::unsupported, "caller/Nope");
  refused([](M, F f, N, N) { f.mutable_opset_import(0)->set_domain("other"); }, Code::invalid_model, "not imported");
  refused([](M, F f, N, N) { f.mutable_opset_import(0)->set_version(99); }, Code::unsupported, "version 99");
  refused([](M m, F, N, N) { m.proto().mutable_opset_import()->RemoveLast(); }, Code::invalid_model, "not imported");
  refused(
      [](M, F f, N inner, N call) {
        f.add_attribute("slope");
        set(call, "slope", std::int64_t{1});
        refer(inner, "alpha", "slope", onnx::AttributeProto::FLOAT);
      },
      Code::invalid_model, "of another type");
}

TEST(Behaviour22, ReferencesOutsideAFunctionAndFunctionsDefinedTwiceAreRefused) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& leak = m.node("LeakyRelu", {"x"}, {"y"});
  refer(leak, "alpha", "slope", onnx::AttributeProto::FLOAT);
  expect_model_refused(m, Code::invalid_model, "outside a function");
  leak.clear_attribute();
  m.function("F", {"a"}, {"b"});
  m.function("F", {"a"}, {"b"});
  expect_model_refused(m, Code::invalid_model, "function \"F\" of domain \"local\" is defined twice");
}

// f0 calls f1 calls f2 ... calls Neg.
FunctionModel chain(int length, int calls_each) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  m.call("f0", {"x"}, {"y"});
  for (int i = 0; i < length; i++) {
    auto& f = m.function("f" + std::to_string(i), {"a"}, {"b"});
    const bool last = i + 1 == length;
    for (int k = 0; k < calls_each; k++) {
      auto& call = node(f, last ? "Neg" : "f" + std::to_string(i + 1), {"a"}, {k ? "b" + std::to_string(k) : "b"});
      if (!last) local(call);
    }
  }
  return m;
}

TEST(Behaviour22, CyclesDepthAndExplosionsAreRefused) {
  FunctionModel m = chain(3, 1);
  local(node(*m.proto().mutable_functions(2), "f1", {"a"}, {"again"}));
  expect_model_refused(m, Code::invalid_model, "calls itself");
  expect_values(run_model(chain(kMaxFunctionDepth, 1), {kX})[0], {3}, {2, -1, -3});
  expect_model_refused(chain(kMaxFunctionDepth + 1, 1), Code::resource_limit, "more than 64 deep");
  expect_model_refused(chain(5000, 1), Code::resource_limit, "more than 64 deep");
  expect_model_refused(chain(40, 8), Code::resource_limit, "functions expand to more than 262144 nodes");
}

TEST(Behaviour22, LongNamesDoNotMultiply) {
  FunctionModel m;
  m.input("x", {3}).output("y");
  auto& f = m.function("F", {"a"}, {"b"});
  auto& sum = node(f, "Sum", {}, {"b"});
  for (int i = 0; i < 1 << 18; i++) sum.add_input("a");
  const std::string name(4000, 'n');
  m.call("F", {name}, {"y"}).set_name(std::string(1 << 20, 'c'));
  m.node("Neg", {"x"}, {name});
  expect_model_refused(m, Code::resource_limit, "bytes");
  m.proto().mutable_graph()->mutable_node(0)->set_input(0, std::string(1 << 20, 'n'));
  expect_model_refused(m, Code::resource_limit, "longer than");
}

TEST(Behaviour22, FlippedBitsOfFunctionsNeverCrash) {
  FunctionModel m = chain(2, 2);
  auto& f = *m.proto().mutable_functions(1);
  f.add_attribute("slope");
  refer(*f.mutable_node(1), "alpha", "slope", onnx::AttributeProto::FLOAT);
  std::string bytes = m.serialized();
  int loaded = 0;
  for (char& byte : bytes) {
    for (int bit = 0; bit < 8; bit++) {
      byte = static_cast<char>(byte ^ (1 << bit));
      loaded += parse_graph(bytes_of(bytes), "m.onnx").has_value();
      byte = static_cast<char>(byte ^ (1 << bit));
    }
  }
  EXPECT_GT(loaded, 0);  // a changed name that nobody calls
}

TEST(Behaviour22, AttributesThatAreCopiedIntoEveryNodeAreLimitedInBytes) {
  FunctionModel m = chain(12, 8);
  for (int i = 0; i < 12; i++) {
    auto& f = *m.proto().mutable_functions(i);
    f.add_attribute("big");
    for (auto& call : *f.mutable_node()) {
      refer(call, i == 11 ? "value_string" : "big", "big", onnx::AttributeProto::STRING);
      if (i == 11) call.set_op_type("Constant");
      if (i == 11) call.clear_input();
    }
  }
  set_string(*m.proto().mutable_graph()->mutable_node(0), "big", std::string(100 << 20, 'x'));
  expect_model_refused(m, Code::resource_limit, "bytes");
}

}  // namespace
}  // namespace adze::testing
