#include "graph/onnx/functions.h"

#include <algorithm>

#include "graph/onnx/fused.h"
#include "graph/onnx/loader.h"
#include "graph/onnx/unsupported.h"

namespace adze {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

constexpr std::size_t kMaxMadeNodes = std::size_t{1} << 18;
constexpr std::size_t kMaxMadeBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxMadeName = 1024, kMaxPrefix = 512;
constexpr std::size_t kNameBytes = 16;  // what a name of a function's signature counts for at each call

std::string key_of(const std::string& domain, const std::string& name, const std::string& overload) {
  std::string key;
  for (const std::string& part : {domain_of(domain), name, overload}) key += concat(part.size(), ':', part);
  return key;
}

std::string describe(const onnx::FunctionProto& function) {
  std::string text = concat("function \"", printable(function.name()), '"');
  if (!function.overload().empty()) text += concat(" (overload \"", printable(function.overload()), "\")");
  return text;
}

std::string describe(const onnx::NodeProto& call) {
  return concat("node \"", printable(call.name()), "\" (", printable(call.op_type()), ')');
}

// Calls visit for each graph that a node of `nodes` holds.
template <class Visit>
void for_each_graph(Nodes& nodes, const Visit& visit) {
  for (onnx::NodeProto& node : nodes) {
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) visit(*attribute.mutable_g());
    }
  }
}

void gather_names(onnx::GraphProto& graph, std::unordered_set<std::string>& names) {
  for (const auto& initializer : graph.initializer()) names.insert(initializer.name());
  for (const auto& input : graph.input()) names.insert(input.name());
  for (const auto& node : graph.node()) names.insert(node.output().begin(), node.output().end());
  for_each_graph(*graph.mutable_node(), [&](onnx::GraphProto& inner) { gather_names(inner, names); });
}

const Opsets kIdentityOpsets = {{"", 1}};

}  // namespace

// One call: what the names and attribute references of the body mean.
class Functions::Call {
 public:
  Call(Functions& all, const onnx::NodeProto& call, const onnx::FunctionProto& function)
      : all_(all), call_(call), function_(function), prefix_(concat(call.name().substr(0, kMaxPrefix), '/')) {}

  Result<void> bind_inputs() {
    if (call_.input_size() > function_.input_size()) return too_many("inputs", call_.input_size(), function_.input());
    for (int i = 0; i < function_.input_size(); i++) {
      const std::string& formal = function_.input(i);
      if (!values_.emplace(formal, i < call_.input_size() ? call_.input(i) : std::string()).second) {
        return make_error(Code::invalid_model, describe(function_), ": input \"", printable(formal),
                          "\" appears twice");
      }
    }
    return {};
  }

  // An output that the body doesn't compute under that name alone, because it is an input or another output too, gets
  // a node of its own: its index is in `copies`.
  Result<void> bind_outputs(std::vector<int>& copies) {
    if (call_.output_size() > function_.output_size()) {
      return too_many("outputs", call_.output_size(), function_.output());
    }
    for (int i = 0; i < call_.output_size(); i++) {
      if (call_.output(i).empty()) continue;
      if (!values_.emplace(function_.output(i), call_.output(i)).second) copies.push_back(i);
    }
    return {};
  }

  Result<void> bind_attributes() {
    std::unordered_set<std::string_view> declared(function_.attribute().begin(), function_.attribute().end());
    for (const auto& attribute : function_.attribute_proto()) declared.insert(attribute.name());
    for (const auto& attribute : call_.attribute()) {
      const auto fails = [&](std::string_view why) {
        return make_error(Code::invalid_model, "attribute \"", printable(attribute.name()), "\": ", why);
      };
      if (!declared.contains(attribute.name())) return fails("is not one of the function's");
      if (!attributes_.emplace(attribute.name(), &attribute).second) return fails("appears twice");
    }
    for (const auto& attribute : function_.attribute_proto()) attributes_.emplace(attribute.name(), &attribute);
    return {};
  }

  // The value around the call, or a new one, that `name` stands for.
  std::string value(const std::string& name) {
    if (name.empty()) return name;
    auto& bound = values_.try_emplace(name).first->second;
    if (!bound) bound = all_.fresh(prefix_ + name);
    return *bound;
  }

  Result<void> bind(onnx::NodeProto& node) {
    node.set_name(prefix_ + (node.name().empty() ? node.op_type() : node.name()));
    for (std::string& name : *node.mutable_input()) ADZE_CHECK(rename(name));
    for (std::string& name : *node.mutable_output()) ADZE_CHECK(rename(name));
    auto& attributes = *node.mutable_attribute();
    for (int i = 0; i < attributes.size();) {
      onnx::AttributeProto& attribute = attributes[i];
      if (attribute.has_ref_attr_name() && !attribute.ref_attr_name().empty()) {
        const auto found = attributes_.find(attribute.ref_attr_name());
        if (found == attributes_.end()) {  // left out by the call: so it is here
          attributes.DeleteSubrange(i, 1);
          continue;
        }
        if (auto copied = copy(*found->second, attribute); !copied) {
          return std::move(copied).error().with_context(
              concat(describe(node), ": attribute \"", printable(attribute.name()), '"'));
        }
      } else if (attribute.has_g()) {
        ADZE_CHECK(bind(*attribute.mutable_g()));
      }
      i++;
    }
    return {};
  }

 private:
  template <class Names>
  Error too_many(std::string_view what, int count, const Names& formal) const {
    return make_error(Code::invalid_model, "has ", count, ' ', what, ", but ", describe(function_), " has ",
                      formal.size());
  }

  Result<void> copy(const onnx::AttributeProto& bound, onnx::AttributeProto& attribute) {
    if (bound.has_g() || bound.graphs_size()) {
      return make_error(Code::unsupported, "a function's attribute that is a graph is not supported");
    }
    if (attribute.type() != onnx::AttributeProto::UNDEFINED && bound.type() != onnx::AttributeProto::UNDEFINED &&
        attribute.type() != bound.type()) {
      return make_error(Code::invalid_model, "refers to \"", printable(attribute.ref_attr_name()),
                        "\", which is of another type");
    }
    ADZE_CHECK(all_.charge(bound.ByteSizeLong()));
    const std::string name = attribute.name();
    attribute = bound;
    attribute.set_name(name);
    return {};
  }

  Result<void> bind(onnx::GraphProto& graph) {
    for (auto& initializer : *graph.mutable_initializer()) ADZE_CHECK(rename(*initializer.mutable_name()));
    for (auto& input : *graph.mutable_input()) ADZE_CHECK(rename(*input.mutable_name()));
    for (auto& output : *graph.mutable_output()) ADZE_CHECK(rename(*output.mutable_name()));
    for (auto& node : *graph.mutable_node()) ADZE_CHECK(bind(node));
    return {};
  }

  Result<void> rename(std::string& name) {
    name = value(name);
    return all_.charge(name.size());
  }

  Functions& all_;
  const onnx::NodeProto& call_;
  const onnx::FunctionProto& function_;
  const std::string prefix_;
  std::unordered_map<std::string, std::optional<std::string>> values_;  // empty: an input that is left out
  std::unordered_map<std::string, const onnx::AttributeProto*> attributes_;
};

Result<void> Functions::read(onnx::ModelProto& model) {
  for (auto& proto : *model.mutable_functions()) {
    if (!functions_.emplace(key_of(proto.domain(), proto.name(), proto.overload()), Function{&proto, {}}).second) {
      return make_error(Code::invalid_model, describe(proto), " of domain \"", printable(proto.domain()),
                        "\" is defined twice");
    }
  }
  const auto is_fused = [](const auto& import) { return import.domain() == kFusedDomain; };
  if (!functions_.empty() || std::ranges::any_of(model.opset_import(), is_fused)) {
    gather_names(*model.mutable_graph(), names_);
  }
  return {};
}

Result<std::vector<OperatorNode>> Functions::expand(Nodes& nodes, const Opsets& opsets) {
  std::vector<OperatorNode> out;
  out.reserve(static_cast<std::size_t>(nodes.size()));
  for (auto& node : nodes) ADZE_CHECK(add(node, opsets, out));
  return out;
}

Functions::Function* Functions::find(const onnx::NodeProto& node) {
  if (functions_.empty()) return nullptr;
  const auto found = functions_.find(key_of(node.domain(), node.op_type(), node.overload()));
  return found == functions_.end() ? nullptr : &found->second;
}

// The function's operator sets, and that no way down from it comes back to it or is too long.
Result<void> Functions::check(Function& function, int depth) {
  if (function.state == Function::open) {
    return make_error(Code::invalid_model, describe(*function.proto), " calls itself");
  }
  const auto too_deep = [&] {
    return make_error(Code::resource_limit, "functions call each other more than ", kMaxFunctionDepth, " deep");
  };
  if (depth >= kMaxFunctionDepth) return too_deep();
  if (function.state == Function::unchecked) {
    function.state = Function::open;
    auto opsets = read_opsets(function.proto->opset_import());
    if (!opsets) return std::move(opsets).error().with_context(describe(*function.proto));
    function.opsets = *std::move(opsets);
    const auto visit = [&](auto& self, Nodes& nodes) -> Result<void> {
      Result<void> result;
      for (auto& node : nodes) {
        Function* callee = find(node);
        if (!callee) continue;
        ADZE_CHECK(check(*callee, depth + 1));
        function.height = std::max(function.height, callee->height + 1);
      }
      for_each_graph(nodes, [&](onnx::GraphProto& graph) {
        if (result) result = self(self, *graph.mutable_node());
      });
      return result;
    };
    ADZE_CHECK(visit(visit, *function.proto->mutable_node()));
    function.state = Function::checked;
  }
  if (depth + function.height > kMaxFunctionDepth) return too_deep();
  return {};
}

Result<void> Functions::add(onnx::NodeProto& node, const Opsets& opsets, std::vector<OperatorNode>& out) {
  // In the body of a fused operator a name is the operator's, whatever functions there are.
  Function* function = &opsets == &fused_opsets() ? nullptr : find(node);
  const FusedOp* fused = function ? nullptr : find_fused(node);
  if (!function && !fused) {
    out.push_back({&node, &opsets});
    return {};
  }
  if (node.name().empty()) node.set_name(concat(node.op_type(), '_', count_++));
  const auto expanded = [&]() -> Result<void> {
    if (!opsets.contains(domain_of(node.domain()))) {
      return make_error(Code::invalid_model, "its operator set is not imported");
    }
    if (fused) {
      ADZE_TRY(const onnx::FunctionProto body, fused_body(*fused, node));
      return add_body(node, body, fused_opsets(), out);
    }
    ADZE_CHECK(check(*function, 0));
    return add_body(node, *function->proto, function->opsets, out);
  }();
  if (!expanded) return Error(expanded.error()).with_context(describe(node));
  return {};
}

Result<void> Functions::add_body(onnx::NodeProto& node, const onnx::FunctionProto& function, const Opsets& opsets,
                                 std::vector<OperatorNode>& out) {
  Call call(*this, node, function);
  std::vector<int> copies;
  for (const auto* names : {&node.input(), &node.output()}) {
    for (const std::string& name : *names) {
      if (name.size() > kMaxNameLength) {
        return make_error(Code::resource_limit, "a name of ", name.size(), " bytes is longer than ", kMaxNameLength);
      }
    }
  }
  ADZE_CHECK(
      charge(kNameBytes * static_cast<std::size_t>(function.input_size() + function.output_size() +
                                                   function.attribute_size() + function.attribute_proto_size())));
  ADZE_CHECK(call.bind_inputs());
  ADZE_CHECK(call.bind_outputs(copies));
  ADZE_CHECK(call.bind_attributes());
  for (const auto& inner : function.node()) {
    ADZE_CHECK(charge(inner.ByteSizeLong()));
    onnx::NodeProto& copy = made_.emplace_back(inner);
    ADZE_CHECK(call.bind(copy));
    ADZE_CHECK(add(copy, opsets, out));
  }
  for (const int i : copies) {
    ADZE_CHECK(charge(0));
    onnx::NodeProto& copy = made_.emplace_back();
    copy.set_op_type("Identity");
    copy.set_name(concat(node.name(), "/Identity"));
    copy.add_input(call.value(function.output(i)));
    copy.add_output(node.output(i));
    out.push_back({&copy, &kIdentityOpsets});
  }
  return {};
}

std::string Functions::fresh(std::string name) {
  if (name.size() > kMaxMadeName) name.resize(kMaxMadeName);
  std::string result = name;
  while (!names_.insert(result).second) result = concat(name, '#', count_++);
  return result;
}

Result<void> Functions::charge(std::size_t bytes) {
  bytes_ += std::min(bytes, kMaxMadeBytes);
  if (made_.size() >= kMaxMadeNodes) {
    return make_error(Code::resource_limit, "functions expand to more than ", kMaxMadeNodes, " nodes");
  }
  if (bytes_ > kMaxMadeBytes) {
    return make_error(Code::resource_limit, "functions expand to more than ", kMaxMadeBytes, " bytes");
  }
  return {};
}

}  // namespace adze
