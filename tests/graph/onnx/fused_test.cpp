// The fused operators of com.microsoft. Expected numbers are ONNX Runtime's.
#include "tests/support/function_model.h"
#include "tests/support/graph_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Names = std::vector<std::string>;

class FusedModel : public ModelBuilder {
 public:
  FusedModel() {
    auto* import = proto().add_opset_import();
    import->set_domain("com.microsoft");
    import->set_version(1);
  }
  onnx::NodeProto& fused(const std::string& op, Names inputs, Names outputs = {"y"}) {
    auto& added = node(op, std::move(inputs), std::move(outputs));
    added.set_domain("com.microsoft");
    added.set_name("fused");
    return added;
  }
};

void set_reals(onnx::NodeProto& node, const std::string& name, std::initializer_list<float> values) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::FLOATS);
  for (const float value : values) attribute->add_floats(value);
}

// One node's outputs, of the inputs "a", "b", ... where `names` has them.
template <class Change>
std::vector<Tensor> run_fused(const std::string& op, const Names& names, const std::vector<Tensor>& inputs,
                              const Names& outputs, const Change& change) {
  FusedModel m;
  std::size_t next = 0;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    const auto dims = inputs[next++].shape().dims();
    m.input(name, {dims.begin(), dims.end()});
  }
  for (const std::string& name : outputs) {
    if (!name.empty()) m.output(name);
  }
  change(m.fused(op, names, outputs));
  return run_model(m, inputs);
}
constexpr auto kAsItIs = [](onnx::NodeProto&) {};

const Tensor kX = tensor_of<float>({3}, {-2, 0.5f, 3}), kShift = tensor_of<float>({3}, {1, -1, 0.25f});

TEST(Fused, Gelus) {
  const auto expect = [](const std::string& op, const std::vector<Tensor>& inputs, const auto& change,
                         const std::vector<float>& want) {
    const Names names = inputs.size() == 1 ? Names{"a"} : Names{"a", "b"};
    expect_values(run_fused(op, names, inputs, {"y"}, change)[0], {3}, want, 2e-6f);
  };
  expect("Gelu", {kX}, kAsItIs, {-0.04550028f, 0.3457312f, 2.99595f});
  expect("BiasGelu", {kX, kShift}, kAsItIs, {-0.1586553f, -0.1542688f, 3.248125f});
  expect("FastGelu", {kX}, kAsItIs, {-0.04540235f, 0.345714f, 2.996363f});
  expect("FastGelu", {kX, kShift}, kAsItIs, {-0.158808f, -0.154286f, 3.248431f});
  expect("QuickGelu", {kX}, kAsItIs, {-0.06434137f, 0.3503884f, 2.981929f});
  expect("QuickGelu", {kX}, [](auto& node) { set_real(node, "alpha", 0.5f); }, {-0.5378829f, 0.2810882f, 2.452723f});
}

TEST(Fused, ConvTakesASummandAndAnActivation) {
  const Tensor x = tensor_of<float>({1, 1, 2, 3}, {1, -2, 3, -4, 5, -6}),
               w = tensor_of<float>({2, 1, 1, 2}, {1, 2, -1, 0.5f}), b = tensor_of<float>({2}, {0.5f, -1}),
               z = tensor_of<float>({1, 2, 2, 2}, {-4, -3, -2, -1, 0, 1, 2, 3});
  const auto leaky = [](auto& node) {
    set_string(node, "activation", "LeakyRelu");
    set_reals(node, "activation_params", {0.25f});
  };
  const auto clip = [](auto& node) {
    set_string(node, "activation", "Clip");
    set_reals(node, "activation_params", {-1, 2.5f});
  };
  expect_values(run_fused("FusedConv", {"a", "b", "c"}, {x, w, b}, {"y"}, leaky)[0], {1, 2, 2, 2},
                {-0.625f, 4.5f, 6.5f, -1.625f, -0.75f, 2.5f, 5.5f, -2.25f});
  expect_values(run_fused("FusedConv", {"a", "b", "c", "d"}, {x, w, b, z}, {"y"}, clip)[0], {1, 2, 2, 2},
                {-1, 1.5f, 2.5f, -1, -1, 2.5f, 2.5f, -1});
  expect_values(run_fused("FusedConv", {"a", "b", "", "d"}, {x, w, z}, {"y"}, kAsItIs)[0], {1, 2, 2, 2},
                {-7, 1, 4, -8, -2, 4.5f, 8.5f, -5});
  const auto padded = [](auto& node) {
    set(node, "pads", {0, 1, 0, 0});
    set(node, "strides", {2, 1});
  };
  expect_values(run_fused("FusedConv", {"a", "b"}, {x, w}, {"y"}, padded)[0], {1, 2, 1, 3}, {2, -3, 4, 0.5f, -2, 3.5f});
}

TEST(Fused, GemmTakesAnActivation) {
  const Tensor a = tensor_of<float>({2, 3}, {1, 2, 3, -4, 5, -6}),
               b = tensor_of<float>({2, 3}, {1, -1, 2, 0.5f, -3, 1}), c = tensor_of<float>({2}, {1, -1});
  const auto selu = [](auto& node) {
    set_string(node, "activation", "Selu");
    set_real(node, "activation_alpha", 2);
    set_real(node, "activation_gamma", 0.5f);
    set_real(node, "activation_beta", 9);  // not one of Selu's
    set_real(node, "alpha", 0.5f);
    set(node, "transB", 1);
  };
  expect_values(run_fused("FusedGemm", {"a", "b", "c"}, {a, b, c}, {"y"}, selu)[0], {2, 2},
                {1.75f, -0.8946007f, -0.9999251f, -0.9999962f});
}

TEST(Fused, SkippedNormalisationsHaveTheSumAndTheStatisticsToo) {
  const Tensor x = tensor_of<float>({1, 2, 3}, {1, 2, 3, 4, -1, 0}), s = tensor_of<float>({2, 3}, {1, 0, -1, 2, 2, 2}),
               gamma = tensor_of<float>({3}, {1, 2, 3}), beta = tensor_of<float>({3}, {0, 1, -1}),
               bias = tensor_of<float>({3}, {0.5f, 0, 1});
  const std::vector<float> sum = {2.5f, 2, 3, 6.5f, 1, 3};
  const auto all = run_fused("SkipLayerNormalization", {"a", "b", "c", "d", "e"}, {x, s, gamma, beta, bias},
                             {"y", "mean", "inverse", "sum"}, kAsItIs);
  expect_values(all[0], {1, 2, 3}, {0, -1.44949f, 2.674234f, 1.319824f, -1.199707f, -1.659912f}, 3e-6f);
  expect_values(all[1], {1, 2, 1}, {2.5f, 3.5f});
  expect_values(all[2], {1, 2, 1}, {2.44949f, 0.4399413f}, 3e-6f);
  expect_values(all[3], {1, 2, 3}, sum);
  const auto half = [](auto& node) { set_real(node, "epsilon", 0.5f); };
  const auto no_bias = run_fused("SkipLayerNormalization", {"a", "b", "c"}, {x, s, gamma}, {"y", "", "", "sum"}, half);
  expect_values(no_bias[0], {1, 2, 3}, {0, 0, 0, 1.319824f, -1.759765f, -1.319824f}, 3e-6f);
  expect_values(no_bias[1], {1, 2, 3}, {2, 2, 2, 6, 1, 2});
  const auto rms = run_fused("SkipSimplifiedLayerNormalization", {"a", "b", "c", "d"}, {x, s, gamma, bias},
                             {"y", "", "", "sum"}, kAsItIs);
  expect_values(rms[0], {1, 2, 3}, {0.9869276f, 1.579084f, 3.552939f, 1.55751f, 0.4792339f, 2.156552f}, 3e-6f);
  expect_values(rms[1], {1, 2, 3}, sum);
}

TEST(Fused, MatMulTurnsEitherSideAndScales) {
  const Tensor a = tensor_of<float>({2, 3}, {1, 2, 3, -4, 5, -6}),
               b = tensor_of<float>({2, 3}, {1, -1, 2, 0.5f, -3, 1});
  const auto with = [](const char* flag, float alpha) {
    return [=](auto& node) {
      set(node, flag, 1);
      set_real(node, "alpha", alpha);
    };
  };
  expect_values(run_fused("FusedMatMul", {"a", "b"}, {a, b}, {"y"}, with("transA", 0.5f))[0], {3, 3},
                {-0.5f, 5.5f, -1, 2.25f, -8.5f, 4.5f, 0, 7.5f, 0});
  expect_values(run_fused("FusedMatMul", {"a", "b"}, {a, b}, {"y"}, with("transB", -2))[0], {2, 2}, {-10, 5, 42, 46});
  // A vector isn't turned.
  const Tensor v = tensor_of<float>({2}, {2, -1});
  expect_values(run_fused("FusedMatMul", {"a", "b"}, {v, b}, {"y"}, with("transA", 1))[0], {3}, {1.5f, 1, 3});
  // Batches are broadcast, each left matrix turned for the right ones that it meets.
  const Tensor left = tensor_of<float>({2, 1, 2, 1}, {1, 2, 3, 4}), right = tensor_of<float>({2, 2, 1}, {1, 1, 0, -1});
  expect_values(run_fused("FusedMatMul", {"a", "b"}, {left, right}, {"y"}, with("transA", 1))[0], {2, 2, 1, 1},
                {3, -2, 7, -4});
}

TEST(Fused, InnerNamesStayApart) {
  FusedModel m;
  m.input("a", {3}).input("b", {3}).output("y");
  m.fused("BiasGelu", {"a", "b"}, {"fused/sum"});
  m.fused("BiasGelu", {"fused/sum", "b"}, {"y"});
  expect_values(run_model(m, {kX, kShift})[0], {3}, {0.6730107f, -0.1433544f, 3.497305f}, 3e-6f);
}

TEST(Fused, AFunctionOfTheModelComesFirstAndMayCallTheOperatorsThatABodyIsMadeOf) {
  FusedModel m;
  m.proto().set_ir_version(10);
  m.input("a", {3}).output("y");
  auto& gelu = *m.proto().add_functions();  // named as the operator that the body below holds
  gelu.set_domain("");
  gelu.set_name("Gelu");
  gelu.add_input("x");
  gelu.add_output("y");
  auto* import = gelu.add_opset_import();
  import->set_domain("com.microsoft");
  import->set_version(1);
  node(gelu, "Gelu", {"x"}, {"y"}).set_domain("com.microsoft");
  m.node("Gelu", {"a"}, {"y"});
  expect_values(run_model(m, {kX})[0], {3}, {-0.04550028f, 0.3457312f, 2.99595f}, 2e-6f);
}

TEST(Fused, WrongNodesAreRefusedByName) {
  const auto refused = [](const std::string& op, const Names& inputs, Code code, const std::string& part,
                          const auto& change, const Names& outputs = {"y"}) {
    FusedModel m;
    m.input("a", {2, 2}).input("b", {2, 2}).output("y");
    change(m.fused(op, inputs, outputs));
    expect_model_refused(m, code, "\"fused");
    expect_model_refused(m, code, part);
  };
  const auto activation = [](const char* name) { return [=](auto& node) { set_string(node, "activation", name); }; };
  constexpr Code kInvalid = Code::invalid_model, kUnsupported = Code::unsupported;
  refused("BiasGelu", {"a"}, kInvalid, "input 1 is required", kAsItIs);
  refused("Gelu", {"a", "b"}, kInvalid, "has 2 inputs", kAsItIs);
  refused("Gelu", {"a"}, kInvalid, "\"k\": is not one", [](auto& node) { set_real(node, "k", 1); });
  refused("QuickGelu", {"a"}, kInvalid, "alpha", [](auto& node) { set_string(node, "alpha", "x"); });
  refused("FusedConv", {"a", "b"}, kUnsupported, "\"Erf\" is not supported", activation("Erf"));
  refused("FusedConv", {"a", "b"}, kInvalid, "has 0 values, not the 2 of Clip", activation("Clip"));
  refused("FusedGemm", {"a", "b"}, kInvalid, "\"activation\" is required", kAsItIs);
  refused("FusedGemm", {"a", "b"}, kUnsupported, "\"ScaledTanh\" is not supported", activation("ScaledTanh"));
  refused("FusedGemm", {"a", "b"}, kInvalid, "\"activation_alpha\" is required by Elu", activation("Elu"));
  refused("FusedMatMul", {"a", "b"}, kUnsupported, "batch axes", [](auto& node) { set(node, "transBatchA", 1); });
  refused("SkipSimplifiedLayerNormalization", {"a", "b", "b"}, kUnsupported, "inv_std_var", kAsItIs,
          {"y", "", "statistics"});
  FusedModel unknown;
  unknown.input("a", {2}).output("y");
  unknown.fused("Gelu", {"a"});
  unknown.proto().mutable_opset_import()->RemoveLast();
  expect_model_refused(unknown, kInvalid, "node \"fused\" (Gelu): its operator set is not imported");
}

}  // namespace
}  // namespace adze::testing
