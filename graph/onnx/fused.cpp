#include "graph/onnx/fused.h"

#include <algorithm>
#include <array>
#include <span>

#include "graph/onnx/unsupported.h"

namespace adze {
namespace {

// Writes the body. Its inputs are "in0", ...; its outputs "out0", ...
class Body {
 public:
  Body(const onnx::NodeProto& call, onnx::FunctionProto& function) : call_(call), function_(function) {}

  bool has(int i) const { return i < call_.input_size() && !call_.input(i).empty(); }
  bool wants(int i) const { return i < call_.output_size() && !call_.output(i).empty(); }
  // "" where it is left out.
  std::string in(int i) const { return has(i) ? concat("in", i) : std::string(); }
  static std::string out(int i = 0) { return concat("out", i); }

  const onnx::AttributeProto* attribute(std::string_view name) const {
    const auto found = std::ranges::find(call_.attribute(), name, &onnx::AttributeProto::name);
    return found == call_.attribute().end() ? nullptr : &*found;
  }

  onnx::NodeProto& node(std::string_view op, std::initializer_list<std::string> inputs, const std::string& output) {
    onnx::NodeProto& node = *function_.add_node();
    node.set_op_type(std::string(op));
    for (const std::string& name : inputs) node.add_input(name);
    node.add_output(output);
    return node;
  }

  // input `i` plus `value`, or `value` itself where the input is left out.
  std::string plus(int i, const std::string& value, const std::string& sum) {
    if (!has(i)) return value;
    node("Add", {value, in(i)}, sum);
    return sum;
  }

  // The call's attribute `name`, if it has one, becomes `as` of the node.
  bool forward(std::string_view name, onnx::NodeProto& node, std::string_view as) {
    const onnx::AttributeProto* found = attribute(name);
    if (!found) return false;
    onnx::AttributeProto& copy = *node.add_attribute() = *found;
    copy.set_name(std::string(as));
    return true;
  }

 private:
  const onnx::NodeProto& call_;
  onnx::FunctionProto& function_;
};

onnx::AttributeProto& add_attribute(onnx::NodeProto& node, std::string_view name,
                                    onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(std::string(name));
  attribute.set_type(type);
  return attribute;
}

void set_real(onnx::NodeProto& node, std::string_view name, float value) {
  add_attribute(node, name, onnx::AttributeProto::FLOAT).set_f(value);
}

void set_string(onnx::NodeProto& node, std::string_view name, const std::string& value) {
  add_attribute(node, name, onnx::AttributeProto::STRING).set_s(value);
}

// ---- Activations ----------------------------------------------------------------------------------------------------

struct Parameters {
  std::string_view op;
  std::array<std::string_view, 2> names = {};

  std::size_t size() const {
    return static_cast<std::size_t>(std::ranges::count_if(names, [](auto n) { return !n.empty(); }));
  }
};

constexpr Parameters kOfConv[] = {{"Relu"},
                                  {"Tanh"},
                                  {"Sigmoid"},
                                  {"HardSwish"},
                                  {"LeakyRelu", {"alpha"}},
                                  {"HardSigmoid", {"alpha", "beta"}},
                                  {"Clip", {"min", "max"}}};
constexpr Parameters kOfGemm[] = {{"Relu"},
                                  {"Tanh"},
                                  {"Sigmoid"},
                                  {"Softplus"},
                                  {"Softsign"},
                                  {"LeakyRelu", {"alpha"}},
                                  {"Elu", {"alpha"}},
                                  {"Celu", {"alpha"}},
                                  {"ThresholdedRelu", {"alpha"}},
                                  {"HardSigmoid", {"alpha", "beta"}},
                                  {"Selu", {"alpha", "gamma"}}};

// The activation that the call names; null where it names none.
Result<const Parameters*> activation_of(const Body& body, std::span<const Parameters> known) {
  const onnx::AttributeProto* attribute = body.attribute("activation");
  if (!attribute || attribute->s().empty()) return nullptr;
  const auto found = std::ranges::find(known, std::string_view(attribute->s()), &Parameters::op);
  if (found == known.end()) {
    return make_error(Code::unsupported, "activation \"", printable(attribute->s()), "\" is not supported");
  }
  return &*found;
}

// Parameters are a list: Conv's way.
Result<void> activate_by_list(Body& body, const Parameters& activation, const std::string& x) {
  const onnx::AttributeProto* list = body.attribute("activation_params");
  const int count = list ? list->floats_size() : 0;
  // What an activation without parameters is given is ignored, as where it was written.
  if (activation.size() && static_cast<std::size_t>(count) != activation.size()) {
    return make_error(Code::invalid_model, "attribute \"activation_params\" has ", count, " values, not the ",
                      activation.size(), " of ", activation.op);
  }
  if (activation.op == "Clip") {
    for (int i = 0; i < 2; i++) {
      set_real(body.node("Constant", {}, concat("bound", i)), "value_float", list->floats(i));
    }
    body.node("Clip", {x, "bound0", "bound1"}, Body::out());
    return {};
  }
  onnx::NodeProto& node = body.node(activation.op, {x}, Body::out());
  for (std::size_t i = 0; i < activation.size(); i++) {
    set_real(node, activation.names[i], list->floats(static_cast<int>(i)));
  }
  return {};
}

// ---- Operators ------------------------------------------------------------------------------------------------------

constexpr std::string_view kOwnOfConv[] = {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"};

Result<void> write_conv(Body& body) {
  ADZE_TRY(const Parameters* activation, activation_of(body, kOfConv));
  const bool last = !activation && !body.has(3);
  onnx::NodeProto& conv =
      body.node("Conv", {body.in(0), body.in(1), body.in(2)}, last ? Body::out() : std::string("conv"));
  for (const std::string_view name : kOwnOfConv) body.forward(name, conv, name);
  if (last) return {};
  const std::string x = body.plus(3, "conv", activation ? std::string("sum") : Body::out());
  return activation ? activate_by_list(body, *activation, x) : Result<void>();
}

constexpr std::string_view kOwnOfGemm[] = {"alpha", "beta", "transA", "transB"};

Result<void> write_gemm(Body& body) {
  ADZE_TRY(const Parameters* activation, activation_of(body, kOfGemm));
  if (!activation) return make_error(Code::invalid_model, "attribute \"activation\" is required");
  onnx::NodeProto& gemm = body.node("Gemm", {body.in(0), body.in(1), body.in(2)}, "gemm");
  for (const std::string_view name : kOwnOfGemm) body.forward(name, gemm, name);
  onnx::NodeProto& node = body.node(activation->op, {"gemm"}, Body::out());
  for (std::size_t i = 0; i < activation->size(); i++) {
    const std::string name = concat("activation_", activation->names[i]);
    if (!body.forward(name, node, activation->names[i])) {
      return make_error(Code::invalid_model, "attribute \"", name, "\" is required by ", activation->op);
    }
  }
  return {};
}

Result<void> write_gelu(Body& body) {
  body.node("Gelu", {body.plus(1, body.in(0), "sum")}, Body::out());
  return {};
}

Result<void> write_fast_gelu(Body& body) {
  set_string(body.node("Gelu", {body.plus(1, body.in(0), "sum")}, Body::out()), "approximate", "tanh");
  return {};
}

Result<void> write_quick_gelu(Body& body) {
  onnx::NodeProto& swish = body.node("Swish", {body.in(0)}, Body::out());
  if (!body.forward("alpha", swish, "alpha")) set_real(swish, "alpha", 1.702f);
  return {};
}

// The sum of the inputs 0 and 1 and of input `bias`; it is output 3, too.
std::string skip_sum(Body& body, int bias) {
  const std::string total = body.wants(3) ? Body::out(3) : std::string("total");
  body.node("Add", {body.in(0), body.in(1)}, body.has(bias) ? std::string("sum") : total);
  return body.plus(bias, body.has(bias) ? std::string("sum") : total, total);
}

void set_epsilon(Body& body, onnx::NodeProto& norm) {
  if (!body.forward("epsilon", norm, "epsilon")) set_real(norm, "epsilon", 1e-12f);
}

Result<void> write_skip_layer_norm(Body& body) {
  const std::string total = skip_sum(body, 4);
  onnx::NodeProto& norm = body.node("LayerNormalization", {total, body.in(2), body.in(3)}, Body::out());
  set_epsilon(body, norm);
  if (body.wants(1) || body.wants(2)) norm.add_output(Body::out(1));
  if (body.wants(2)) norm.add_output(Body::out(2));
  return {};
}

Result<void> write_skip_rms_norm(Body& body) {
  if (body.wants(1) || body.wants(2)) {
    return make_error(Code::unsupported, "the outputs mean and inv_std_var are not supported");
  }
  const std::string total = skip_sum(body, 3);
  set_epsilon(body, body.node("RMSNormalization", {total, body.in(2)}, Body::out()));
  return {};
}

}  // namespace

struct FusedOp {
  std::string_view name;
  int required, inputs, outputs;
  Result<void> (*write)(Body& body);
  std::array<std::string_view, 8> attributes = {};
};

namespace {

constexpr FusedOp kFused[] = {
    {"Gelu", 1, 1, 1, write_gelu},
    {"BiasGelu", 2, 2, 1, write_gelu},
    {"FastGelu", 1, 2, 1, write_fast_gelu},
    {"QuickGelu", 1, 1, 1, write_quick_gelu, {"alpha"}},
    {"FusedConv",
     2,
     4,
     1,
     write_conv,
     {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides", "activation", "activation_params"}},
    {"FusedGemm",
     2,
     3,
     1,
     write_gemm,
     {"alpha", "beta", "transA", "transB", "activation", "activation_alpha", "activation_beta", "activation_gamma"}},
    {"SkipLayerNormalization", 3, 5, 4, write_skip_layer_norm, {"epsilon"}},
    {"SkipSimplifiedLayerNormalization", 3, 4, 4, write_skip_rms_norm, {"epsilon"}}};

}  // namespace

const FusedOp* find_fused(const onnx::NodeProto& call) {
  if (call.domain() != kFusedDomain || !call.overload().empty()) return nullptr;
  const auto found = std::ranges::find(kFused, std::string_view(call.op_type()), &FusedOp::name);
  return found == std::end(kFused) ? nullptr : found;
}

Result<onnx::FunctionProto> fused_body(const FusedOp& op, const onnx::NodeProto& call) {
  onnx::FunctionProto function;
  function.set_name(std::string(op.name));
  Body body(call, function);
  for (int i = 0; i < op.required; i++) {
    if (!body.has(i)) return make_error(Code::invalid_model, "input ", i, " is required");
  }
  for (int i = 0; i < op.inputs; i++) function.add_input(concat("in", i));
  for (int i = 0; i < op.outputs; i++) function.add_output(Body::out(i));
  for (const std::string_view name : op.attributes) {
    if (!name.empty()) function.add_attribute(std::string(name));
  }
  ADZE_CHECK(op.write(body));
  return function;
}

const Opsets& fused_opsets() {
  static const Opsets opsets = {{"", 24}};
  return opsets;
}

}  // namespace adze
