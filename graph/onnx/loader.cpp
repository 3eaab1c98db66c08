#include "graph/onnx/loader.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "graph/onnx/file.h"
#include "graph/onnx/node_attributes.h"
#include "graph/onnx/onnx_subset.pb.h"
#include "graph/onnx/tensor_proto.h"
#include "graph/onnx/topological.h"

namespace adze {
namespace {

// Everything that adze can't run, told in one message.
class Unsupported {
 public:
  void add(std::string what) {
    if (entries_.size() < kShown) entries_.push_back(std::move(what));
    count_++;
  }
  Result<void> result() const {
    if (count_ == 0) return {};
    std::string text = count_ == 1 ? "unsupported: " : concat(count_, " parts are unsupported: ");
    for (std::size_t i = 0; i < entries_.size(); i++) text += (i ? "; " : "") + entries_[i];
    if (count_ > entries_.size()) text += concat("; and ", count_ - entries_.size(), " more");
    return Error{Code::unsupported, std::move(text)};
  }

 private:
  static constexpr std::size_t kShown = 50;
  std::vector<std::string> entries_;
  std::size_t count_ = 0;
};

// Names come from the file and go to terminals and logs: control characters are shown, not sent.
std::string printable(std::string_view name) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : name.substr(0, 200)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && c != '"') {
      text += c;
    } else {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (name.size() > 200) text += "...";
  return text;
}

class GraphBuilder {
 public:
  GraphBuilder(onnx::ModelProto& model, std::optional<std::string> folder)
      : model_(model), proto_(*model.mutable_graph()), folder_(std::move(folder)) {}

  Result<Graph> build() {
    ADZE_CHECK(check_versions());
    if (model_.functions_size()) unsupported_.add(concat(model_.functions_size(), " model-local functions"));
    if (proto_.sparse_initializer_size())
      unsupported_.add(concat(proto_.sparse_initializer_size(), " sparse initializers"));
    graph_.name = proto_.name();
    ADZE_CHECK(add_initializers());
    ADZE_CHECK(add_inputs());
    ADZE_CHECK(add_nodes());
    ADZE_CHECK(add_outputs());
    ADZE_CHECK(sort());
    ADZE_CHECK(check_types());
    ADZE_CHECK(unsupported_.result());
    return std::move(graph_);
  }

 private:
  Result<void> check_versions() {
    const std::int64_t ir = model_.ir_version();
    if (ir < kMinIrVersion) return make_error(Code::invalid_model, "IR version ", ir, " is below ", kMinIrVersion);
    if (ir > kMaxIrVersion) return make_error(Code::unsupported, "IR version ", ir, " is above ", kMaxIrVersion);
    for (const auto& opset : model_.opset_import()) {
      const std::string domain = opset.domain() == "ai.onnx" ? "" : opset.domain();
      if (!opsets_.emplace(domain, opset.version()).second) {
        return make_error(Code::invalid_model, "operator set \"", printable(domain), "\" is imported twice");
      }
      if (!domain.empty()) continue;
      if (opset.version() < 1)
        return make_error(Code::invalid_model, "operator set version ", opset.version(), " is below 1");
      if (opset.version() > kMaxOpset) {
        return make_error(Code::unsupported, "operator set version ", opset.version(), " is above ", kMaxOpset);
      }
    }
    if (opsets_.empty()) return make_error(Code::invalid_model, "no operator set is imported");
    if (static_cast<std::size_t>(proto_.node_size()) > kMaxNodes) {
      return make_error(Code::resource_limit, proto_.node_size(), " nodes are more than the limit of ", kMaxNodes);
    }
    return {};
  }

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
      ADZE_TRY(const ValueId id, define(name, "initializer"));
      auto tensor = to_tensor(proto, folder_);
      if (!tensor) {
        Error error = std::move(tensor).error().with_context(concat("initializer \"", printable(name), '"'));
        if (error.code != Code::unsupported) return error;
        unsupported_.add(std::move(error.message));
        continue;
      }
      graph_[id].type = tensor->type();
      graph_[id].constant = *std::move(tensor);
    }
    return {};
  }

  // Type and dimensions as declared. Unsupported kinds are noted.
  Result<Port> port_of(const onnx::ValueInfoProto& info, std::string_view what) {
    Port port;
    if (!info.type().has_tensor_type()) {
      unsupported_.add(concat(what, " \"", printable(info.name()), "\": is not a dense tensor"));
      return port;
    }
    const auto& tensor = info.type().tensor_type();
    port.type = static_cast<DType>(tensor.elem_type() < 0 || tensor.elem_type() > 255 ? 0 : tensor.elem_type());
    if (size_of(port.type) == 0) {
      unsupported_.add(
          concat(what, " \"", printable(info.name()), "\": element type ", tensor.elem_type(), " is not supported"));
    }
    if (!tensor.has_shape()) return port;
    if (tensor.shape().dim_size() > kMaxRank) {
      unsupported_.add(concat(what, " \"", printable(info.name()), "\": rank ", tensor.shape().dim_size(),
                              " is above the limit of ", kMaxRank));
      return port;
    }
    port.dims.emplace();
    for (const auto& dim : tensor.shape().dim()) {
      port.dims->push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? Dim{dim.dim_value(), {}}
                                                                       : Dim{-1, dim.dim_param()});
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
    for (onnx::NodeProto& proto : *proto_.mutable_node()) {
      Node node;
      node.name = proto.name().empty() ? concat(proto.op_type(), '_', index) : proto.name();
      node.name = printable(node.name);
      const std::string where = concat("node \"", node.name, "\" (", printable(proto.op_type()), ')');
      auto added = add_node(proto, node);
      if (!added && added.error().code != Code::unsupported) return std::move(added).error().with_context(where);
      if (!added) unsupported_.add(concat(where, ": ", added.error().message));
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

  Result<void> add_node(onnx::NodeProto& proto, Node& node) {
    const std::string domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
    const OpDef* op = find_op(domain, proto.op_type());
    if (!op) {
      return make_error(Code::unsupported, "no such operator is built",
                        domain.empty() ? std::string() : concat(" in domain \"", printable(domain), '"'));
    }
    const auto opset = opsets_.find(domain);
    if (opset == opsets_.end()) return make_error(Code::invalid_model, "its operator set is not imported");
    node.version = version_for(*op, static_cast<int>(std::min<std::int64_t>(opset->second, 1 << 20)));
    if (!node.version)
      return make_error(Code::unsupported, "operator set ", opset->second, " has no version that is built");
    node.op = op;
    ADZE_CHECK(check_arity("inputs", proto.input_size(), op->inputs));
    ADZE_CHECK(check_arity("outputs", proto.output_size(), op->outputs));
    for (int i = 0; i < op->inputs.min; i++) {
      if (proto.input(i).empty()) return make_error(Code::invalid_model, "input ", i, " is required");
    }
    ADZE_CHECK(read_attributes(proto, node, folder_));
    if (op->check) ADZE_CHECK(op->check(node));
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
      const auto found = ids_.find(info.name());
      if (found == ids_.end()) {
        return make_error(Code::invalid_model, "output \"", printable(info.name()), "\" is not computed by any node");
      }
      Port port;
      if (info.type().has_tensor_type() || info.type().value_case() != onnx::TypeProto::VALUE_NOT_SET) {
        ADZE_TRY(port, port_of(info, "output"));
      }
      port.value = found->second;
      graph_.outputs.push_back(std::move(port));
    }
    return {};
  }

  // Resolves input names and puts the nodes in an order that computes every value before its use.
  Result<void> sort() {
    for (std::size_t n = 0; n < graph_.nodes.size(); n++) {
      for (const std::string& name : input_names_[n]) {
        const auto found = name.empty() ? ids_.end() : ids_.find(name);
        if (!name.empty() && found == ids_.end()) {
          return make_error(Code::invalid_model, "node \"", graph_.nodes[n].name, "\": input \"", printable(name),
                            "\" is not defined");
        }
        graph_.nodes[n].inputs.push_back(name.empty() ? kNoValue : found->second);
      }
    }
    return sort_topologically(graph_);
  }

  // Types flow from inputs and constants; what the file says of intermediate values is not trusted.
  Result<void> check_types() {
    for (const Node& node : graph_.nodes) {
      if (!node.op) continue;
      std::vector<DType> types;
      bool known = true;
      for (std::size_t i = 0; i < node.inputs.size(); i++) {
        const ValueId id = node.inputs[i];
        types.push_back(id == kNoValue ? DType::undefined : graph_[id].type);
        if (id == kNoValue) continue;
        if (types.back() == DType::undefined) {
          known = false;
        } else if (!(allowed_types(*node.op, i) & mask_of(types.back()))) {
          unsupported_.add(concat("node \"", node.name, "\" (", node.op->name, "): input ", i, " of type ",
                                  name_of(types.back()), " is not supported"));
          known = false;
        }
      }
      if (!known) continue;
      for (std::size_t i = 0; i < node.outputs.size(); i++) {
        if (node.outputs[i] != kNoValue) graph_[node.outputs[i]].type = output_type(node, types, static_cast<int>(i));
      }
    }
    for (Port& port : graph_.outputs) {
      const DType computed = graph_[port.value].type;
      if (port.type != DType::undefined && computed != DType::undefined && port.type != computed) {
        return make_error(Code::invalid_model, "output \"", printable(graph_[port.value].name), "\" is declared ",
                          name_of(port.type), ", but computed as ", name_of(computed));
      }
      port.type = computed;
    }
    return {};
  }

  static TypeMask allowed_types(const OpDef& op, std::size_t i) {
    return op.input_types.empty() ? 0 : op.input_types[std::min(i, op.input_types.size() - 1)];
  }

  onnx::ModelProto& model_;
  onnx::GraphProto& proto_;
  std::optional<std::string> folder_;
  Graph graph_;
  std::unordered_map<std::string, std::int64_t> opsets_;
  std::unordered_map<std::string, ValueId> ids_;
  std::vector<std::vector<std::string>> input_names_;
  Unsupported unsupported_;
};

Result<Graph> parse(std::span<const std::byte> bytes, const std::optional<std::string>& folder) {
  if (bytes.empty()) return make_error(Code::invalid_model, "the file is empty");
  if (bytes.size() > kMaxModelBytes)
    return make_error(Code::resource_limit, "is larger than ", kMaxModelBytes, " bytes");
  try {
    onnx::ModelProto model;
    if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return make_error(Code::invalid_model, "is not an ONNX model, or is cut off");
    }
    if (!model.has_graph()) return make_error(Code::invalid_model, "is not an ONNX model: it has no graph");
    return GraphBuilder(model, folder).build();
  } catch (const std::bad_alloc&) {
    return make_error(Code::resource_limit, "not enough memory to read it");
  }
}

}  // namespace

Result<Graph> load_graph(const std::string& path) {
  ADZE_TRY(FileBytes file, read_file(path, kMaxModelBytes));
  auto graph = parse(file.span(), std::filesystem::path(path).parent_path().string());
  if (!graph) return std::move(graph).error().with_context(path);
  return graph;
}

Result<Graph> parse_graph(std::span<const std::byte> bytes, const std::string& name) {
  auto graph = parse(bytes, std::nullopt);
  if (!graph) return std::move(graph).error().with_context(name);
  return graph;
}

}  // namespace adze
