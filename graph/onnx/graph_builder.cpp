#include "graph/onnx/graph_builder.h"

#include <algorithm>
#include <unordered_set>

#include "graph/onnx/loader.h"
#include "graph/onnx/node_attributes.h"
#include "graph/onnx/sparse_tensor.h"
#include "graph/onnx/tensor_proto.h"
#include "graph/onnx/topological.h"
#include "graph/op.h"

namespace adze {
namespace {

constexpr int kMaxDepth = 32;

class GraphBuilder {
 public:
  GraphBuilder(onnx::GraphProto& proto, FileContext& file, const Opsets& opsets, GraphBuilder* outer = nullptr)
      : proto_(proto), file_(file), opsets_(opsets), outer_(outer), depth_(outer ? outer->depth_ + 1 : 0) {}

  Result<Graph> build() {
    if (depth_ > kMaxDepth) return make_error(Code::resource_limit, "graphs are nested more than ", kMaxDepth, " deep");
    if (static_cast<std::size_t>(proto_.node_size()) > kMaxNodes) {
      return make_error(Code::resource_limit, proto_.node_size(), " nodes are more than the limit of ", kMaxNodes);
    }
    graph_.name = proto_.name();
    ADZE_CHECK(add_initializers());
    ADZE_CHECK(add_inputs());
    ADZE_CHECK(add_nodes());
    ADZE_CHECK(add_outputs());
    ADZE_CHECK(resolve_inputs());
    ADZE_CHECK(sort_topologically(graph_));
    ADZE_CHECK(check_types());
    return std::move(graph_);
  }
  // After build(), of a graph inside another: the outer values that its last inputs take.
  const std::vector<ValueId>& captured() const { return captured_; }

 private:
  Result<ValueId> define(const std::string& name, std::string_view what) {
    if (name.empty()) return make_error(Code::invalid_model, what, " without a name");
    if (name.size() > kMaxNameLength) {
      return make_error(Code::resource_limit, what, " name of ", name.size(), " bytes is longer than ", kMaxNameLength);
    }
    const auto [entry, is_new] = ids_.emplace(name, static_cast<ValueId>(graph_.values.size()));
    if (!is_new) return make_error(Code::invalid_model, "value \"", printable(name), "\" is defined twice");
    return graph_.add_value(name, DType::undefined);
  }

  Result<void> add_initializers() {
    for (onnx::TensorProto& proto : *proto_.mutable_initializer()) {
      const std::string name = proto.name();
      ADZE_CHECK(add_initializer(name, to_tensor(proto, file_.tensors)));
    }
    for (onnx::SparseTensorProto& proto : *proto_.mutable_sparse_initializer()) {
      const std::string name = proto.values().name();
      ADZE_CHECK(add_initializer(name, to_dense(proto, file_.tensors, file_.dense_budget)));
    }
    return {};
  }

  Result<void> add_initializer(const std::string& name, Result<Tensor> tensor) {
    ADZE_TRY(const ValueId id, define(name, "initializer"));
    if (!tensor) {
      Error error = std::move(tensor).error().with_context(concat("initializer \"", printable(name), '"'));
      if (error.code != Code::unsupported) return error;
      file_.unsupported.add(std::move(error.message));
      return {};
    }
    graph_[id].type = tensor->type();
    graph_[id].constant = *std::move(tensor);
    return {};
  }

  // Type and dimensions as declared. Unsupported kinds are noted.
  Result<Port> port_of(const onnx::ValueInfoProto& info, std::string_view what) {
    Port port;
    // Inside a node, types may be left to the graph around it.
    if (outer_ && info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET) return port;
    // ZipMap's answer, which is a plain tensor here: its type follows.
    if (what == "output" && info.type().sequence_type().elem_type().has_map_type()) return port;
    if (!info.type().has_tensor_type()) {
      file_.unsupported.add(concat(what, " \"", printable(info.name()), "\": is not a dense tensor"));
      return port;
    }
    const auto& tensor = info.type().tensor_type();
    if (const auto type = element_type(tensor.elem_type())) {
      port.type = *type;
    } else {
      file_.unsupported.add(concat(what, " \"", printable(info.name()), "\": ", type.error().message));
    }
    if (!tensor.has_shape()) return port;
    if (tensor.shape().dim_size() > kMaxRank) {
      file_.unsupported.add(concat(what, " \"", printable(info.name()), "\": rank ", tensor.shape().dim_size(),
                                   " is above the limit of ", kMaxRank));
      return port;
    }
    port.dims.emplace();
    for (const auto& dim : tensor.shape().dim()) {
      // Writers that know no symbols put 0 or -1 where a size is open, or one of these for each, whatever its size.
      const std::string& symbol = dim.dim_param();
      const bool named = symbol != "?" && symbol != "-1" && symbol != "None";
      port.dims->push_back(dim.dim_value() > 0 ? Dim{dim.dim_value(), {}} : Dim{-1, named ? symbol : std::string()});
    }
    return port;
  }

  Result<void> add_inputs() {
    std::unordered_set<std::string> seen;
    for (const onnx::ValueInfoProto& info : proto_.input()) {
      if (!seen.insert(info.name()).second) {
        return make_error(Code::invalid_model, "input \"", printable(info.name()), "\" appears twice");
      }
      if (ids_.contains(info.name())) continue;  // an initializer listed as IR version 3 demanded: its value is fixed
      ADZE_TRY(Port port, port_of(info, "input"));
      ADZE_TRY(port.value, define(info.name(), "input"));
      graph_[port.value].type = port.type;
      graph_.inputs.push_back(std::move(port));
    }
    return {};
  }

  Result<void> add_nodes() {
    int index = 0;
    ADZE_TRY(const auto nodes, file_.functions.expand(*proto_.mutable_node(), opsets_));
    for (const auto& [node_proto, opsets] : nodes) {
      onnx::NodeProto& proto = *node_proto;
      Node node;
      node.name = proto.name().empty() ? concat(proto.op_type(), '_', index) : proto.name();
      node.name = printable(node.name);
      const std::string where = concat("node \"", node.name, "\" (", printable(proto.op_type()), ')');
      auto added = add_node(proto, *opsets, node);
      for (onnx::AttributeProto& attribute : *proto.mutable_attribute()) {
        if (added && node.attributes.is_graph(attribute.name())) {
          bodies_.push_back({graph_.nodes.size(), attribute.name(), attribute.mutable_g(), opsets});
        }
      }
      if (!added && added.error().code != Code::unsupported) return std::move(added).error().with_context(where);
      if (!added) file_.unsupported.add(concat(where, ": ", added.error().message));
      for (const std::string& name : proto.output()) {
        if (name.empty()) {
          // What nobody reads may be left out, but every operator writes its first output.
          const bool first = node.outputs.empty();
          node.outputs.push_back(first ? graph_.add_value(concat(node.name, ":unnamed"), DType::undefined) : kNoValue);
          continue;
        }
        auto id = define(name, "output");
        if (!id) return std::move(id).error().with_context(where);
        node.outputs.push_back(*id);
      }
      input_names_.emplace_back(proto.input().begin(), proto.input().end());
      graph_.nodes.push_back(std::move(node));
      index++;
    }
    return {};
  }

  Result<void> add_node(onnx::NodeProto& proto, const Opsets& opsets, Node& node) {
    const std::string domain = domain_of(proto.domain());
    const OpDef* op = find_op(domain, proto.op_type());
    if (!proto.overload().empty()) {
      return make_error(Code::unsupported, "there is no function of overload \"", printable(proto.overload()), '"');
    }
    if (!op) {
      return make_error(Code::unsupported, "no such operator is built",
                        domain.empty() ? std::string() : concat(" in domain \"", printable(domain), '"'));
    }
    const auto opset = opsets.find(domain);
    if (opset == opsets.end()) return make_error(Code::invalid_model, "its operator set is not imported");
    node.version = version_for(*op, static_cast<int>(std::min<std::int64_t>(opset->second, 1 << 20)));
    if (!node.version)
      return make_error(Code::unsupported, "operator set ", opset->second, " has no version that is built");
    node.op = op;
    ADZE_CHECK(check_arity("inputs", proto.input_size(), op->inputs));
    ADZE_CHECK(check_arity("outputs", proto.output_size(), op->outputs));
    for (int i = 0; i < op->inputs.min; i++) {
      if (proto.input(i).empty()) return make_error(Code::invalid_model, "input ", i, " is required");
    }
    ADZE_CHECK(read_attributes(proto, node, file_));
    if (op->check) ADZE_CHECK(op->check(node));
    if (op->condense) ADZE_CHECK(op->condense(node));
    return {};
  }

  static Result<void> check_arity(std::string_view what, int count, const Arity& arity) {
    if (count >= arity.min && count <= arity.max) return {};
    return make_error(Code::invalid_model, "has ", count, ' ', what, ", not ", arity.min,
                      arity.max == arity.min   ? std::string()
                      : arity.max == kVariadic ? std::string(" or more")
                                               : concat(" to ", arity.max));
  }

  Result<void> add_outputs() {
    if (proto_.output_size() == 0) return make_error(Code::invalid_model, "the graph has no output");
    for (const onnx::ValueInfoProto& info : proto_.output()) {
      const auto found = find(info.name());
      if (!found) {
        return make_error(Code::invalid_model, "output \"", printable(info.name()), "\" is not computed by any node");
      }
      Port port;
      if (info.type().has_tensor_type() || info.type().value_case() != onnx::TypeProto::VALUE_NOT_SET) {
        ADZE_TRY(port, port_of(info, "output"));
      }
      port.value = *found;
      graph_.outputs.push_back(std::move(port));
    }
    return {};
  }

  // The value of that name, here or in a graph around this one; the latter becomes an input, or a constant here too.
  std::optional<ValueId> find(const std::string& name) {
    if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
    const auto outside = outer_ ? outer_->find(name) : std::nullopt;
    if (!outside) return std::nullopt;
    const Value& value = outer_->graph_[*outside];
    const ValueId id =
        value.constant ? graph_.add_constant(name, *value.constant) : graph_.add_value(name, DType::undefined);
    ids_.emplace(name, id);
    if (!value.constant) {
      graph_.inputs.push_back({id, DType::undefined, std::nullopt});
      captured_.push_back(*outside);
    }
    return id;
  }

  // Names become values. Graphs inside nodes are built here, when all names around them are known.
  Result<void> resolve_inputs() {
    for (std::size_t n = 0; n < graph_.nodes.size(); n++) {
      for (const std::string& name : input_names_[n]) {
        const auto found = name.empty() ? std::nullopt : find(name);
        if (!name.empty() && !found) {
          return make_error(Code::invalid_model, "node \"", graph_.nodes[n].name, "\": input \"", printable(name),
                            "\" is not defined");
        }
        graph_.nodes[n].inputs.push_back(found.value_or(kNoValue));
      }
    }
    for (const Body& body : bodies_) {
      GraphBuilder builder(*body.proto, file_, *body.opsets, this);
      auto built = builder.build();
      Node& node = graph_.nodes[body.node];
      if (!built) return std::move(built).error().with_context(concat("node \"", node.name, "\""));
      for (const ValueId id : builder.captured()) {
        built->captured.push_back(static_cast<int>(node.inputs.size()));
        node.inputs.push_back(id);
      }
      node.attributes.set(body.attribute, std::make_shared<const Graph>(*std::move(built)));
    }
    return {};
  }

  // Types flow from inputs and constants; what the file says of intermediate values is not trusted.
  Result<void> check_types() {
    const std::vector<bool> read = read_values();
    for (const Node& node : graph_.nodes) {
      if (!node.op) continue;
      std::vector<DType> types;
      bool known = true;
      for (std::size_t i = 0; i < node.inputs.size(); i++) {
        const ValueId id = node.inputs[i];
        types.push_back(id == kNoValue ? DType::undefined : graph_[id].type);
        if (id == kNoValue) continue;
        known = known && types.back() != DType::undefined;
        auto checked = check_type(*node.op, types, i);
        if (checked) continue;
        Error error = std::move(checked).error().with_context(concat("node \"", node.name, "\" (", node.op->name, ')'));
        if (error.code != Code::unsupported) return error;
        file_.unsupported.add(std::move(error.message));
        known = false;
      }
      if (!known) continue;
      for (std::size_t i = 0; i < node.outputs.size(); i++) {
        const ValueId id = node.outputs[i];
        if (id == kNoValue) continue;
        graph_[id].type = output_type(node, types, static_cast<int>(i));
        if (graph_[id].type == DType::string && read[static_cast<std::size_t>(id)]) {
          file_.unsupported.add(concat("node \"", node.name, "\" (", node.op->name, "): output ", i,
                                       " is text, which must not be an output of the model nor read by a node"));
          graph_[id].type = DType::undefined;
        }
      }
    }
    for (Port& port : graph_.outputs) {
      const DType computed = graph_[port.value].type;
      if (port.type != DType::undefined && computed != DType::undefined && port.type != computed) {
        return make_error(Code::invalid_model, "output \"", printable(graph_[port.value].name), "\" is declared ",
                          name_of(port.type), ", but computed as ", name_of(computed));
      }
      if (computed != DType::undefined) port.type = computed;
    }
    return {};
  }

  // By ValueId: whether a node or whoever runs the graph reads it.
  std::vector<bool> read_values() const {
    std::vector<bool> read(graph_.values.size());
    const auto add = [&](ValueId id) {
      if (id != kNoValue) read[static_cast<std::size_t>(id)] = true;
    };
    for (const Node& node : graph_.nodes) std::ranges::for_each(node.inputs, add);
    for (const Port& port : graph_.outputs) add(port.value);
    return read;
  }

  struct Body {
    std::size_t node;
    std::string attribute;
    onnx::GraphProto* proto;
    const Opsets* opsets;
  };

  onnx::GraphProto& proto_;
  FileContext& file_;
  const Opsets& opsets_;
  GraphBuilder* const outer_;
  const int depth_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;
  std::vector<std::vector<std::string>> input_names_;
  std::vector<Body> bodies_;
  std::vector<ValueId> captured_;
};

}  // namespace

Result<Graph> build_graph(onnx::GraphProto& proto, FileContext& file) {
  return GraphBuilder(proto, file, file.opsets).build();
}

}  // namespace adze
