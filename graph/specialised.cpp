#include "graph/specialised.h"

#include <algorithm>
#include <cstring>

#include "graph/any_node.h"
#include "graph/constants.h"
#include "graph/evaluate.h"

namespace adze {
namespace {

Error at(const Node& node, Error error) { return std::move(error).with_context(describe(node)); }

// Evaluates `node` on constants, gives these up, and stores its outputs in `graph`.
Result<void> fold(Graph& graph, const Node& node, std::size_t& budget) {
  std::vector<const Tensor*> inputs;
  for (const ValueId id : node.inputs) inputs.push_back(id == kNoValue ? nullptr : &*graph[id].constant);
  auto results = evaluate(node, inputs);
  if (!results) return at(node, std::move(results).error());
  for (std::size_t i = 0; i < node.outputs.size(); i++) {
    if (node.outputs[i] == kNoValue) continue;
    Tensor& result = (*results)[i];
    if (result.bytes() > budget) return at(node, make_error(Code::resource_limit, "constants exceed the memory limit"));
    budget -= result.bytes();
    graph[node.outputs[i]].type = result.type();
    graph[node.outputs[i]].constant = std::move(result);
  }
  for (const ValueId id : node.inputs) {
    if (id != kNoValue) ADZE_CHECK(release(graph[id]));
  }
  return {};
}

bool foldable(const Graph& graph, const Node& node) {
  if (any_node(node, [](const Node& inner) { return inner.op->random; })) return false;
  for (const ValueId id : node.inputs) {
    if (id != kNoValue && !graph[id].constant) return false;
  }
  return true;
}

// Keeps what inference already knows of the outputs; true when that is all of them.
bool store_values(Graph& graph, const InferContext& context) {
  for (int i = 0; i < context.output_count(); i++) {
    if (!context.value(i)) return false;
  }
  for (int i = 0; i < context.output_count(); i++) {
    const ValueId id = context.node.outputs[static_cast<std::size_t>(i)];
    if (id != kNoValue) graph[id].constant = *context.value(i);
  }
  return true;
}

// The bytes that folding would make must be checked before they are allocated.
Result<void> check_sizes(std::span<const TensorInfo> outputs, std::size_t limit) {
  for (const TensorInfo& output : outputs) {
    const auto bytes = byte_size(output.shape, size_of(output.type));
    if (!bytes) return make_error(Code::resource_limit, "output shape ", to_string(output.shape), " is too large");
    if (*bytes > limit) {
      return make_error(Code::resource_limit, "output of shape ", to_string(output.shape), " takes ", *bytes,
                        " bytes, more than the memory limit of ", limit);
    }
  }
  return {};
}

}  // namespace

ValueId SpecialisedGraph::add_value(std::string name, DType type, const Shape& shape) {
  const ValueId id = graph.add_value(std::move(name), type);
  infos.push_back({type, shape, nullptr, 0});
  return id;
}

ValueId SpecialisedGraph::add_constant(std::string name, Tensor tensor, std::uint64_t constant_id) {
  const ValueId id = add_value(std::move(name), tensor.type(), tensor.shape());
  set_constant(id, std::move(tensor), constant_id);
  return id;
}

void SpecialisedGraph::set_constant(ValueId id, Tensor tensor, std::uint64_t constant_id) {
  Value& value = graph[id];
  value.constant = std::move(tensor);
  value.constant_id = constant_id;
  info(id) = {value.constant->type(), value.constant->shape(), &*value.constant, constant_id};
}

std::vector<const TensorInfo*> SpecialisedGraph::input_infos(const Node& node) const {
  std::vector<const TensorInfo*> result;
  for (const ValueId id : node.inputs) result.push_back(id == kNoValue ? nullptr : &info(id));
  return result;
}

bool InputShape::operator==(const InputShape& other) const {
  if (shape != other.shape || type != other.type || content.has_value() != other.content.has_value()) return false;
  return !content || std::memcmp(content->raw(), other.content->raw(), content->bytes()) == 0;
}

namespace {

// What can't be inferred yet, gathered while the others are.
class Deferred {
 public:
  explicit Deferred(SpecialisedGraph& g) : g_(g), deferred_(g.graph.values.size(), false) {}

  bool depends(const Node& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return id != kNoValue && is(id); });
  }
  void add(const Node& node, std::uint32_t asked) {
    g_.rest.push_back(node);
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) deferred_[static_cast<std::size_t>(id)] = true;
    }
    for (std::size_t i = 0; i < node.inputs.size() && i < 32; i++) {
      const ValueId id = node.inputs[i];
      if ((asked >> i & 1) && std::ranges::find(g_.asked, id) == g_.asked.end()) g_.asked.push_back(id);
    }
  }
  // Lets the graph give what the rest reads and what the whole gives, instead of the whole's outputs.
  void set_outputs() {
    if (g_.rest.empty()) return;
    std::vector<Port> boundary;
    const auto add = [&](ValueId id) {
      if (id == kNoValue || is(id) || g_.graph[id].constant) return;
      for (const Port& port : boundary) {
        if (port.value == id) return;
      }
      boundary.push_back({id, g_.info(id).type, std::nullopt});
    };
    for (const Node& node : g_.rest) std::ranges::for_each(node.inputs, add);
    for (const Port& port : g_.graph.outputs) add(port.value);
    g_.graph.outputs = std::move(boundary);
  }

 private:
  bool is(ValueId id) const { return deferred_[static_cast<std::size_t>(id)]; }

  SpecialisedGraph& g_;
  std::vector<bool> deferred_;
};

}  // namespace

Result<SpecialisedGraph> specialise(const Graph& source, std::span<const InputShape> inputs_given,
                                    std::size_t max_bytes) {
  ADZE_ASSERT(inputs_given.size() == source.inputs.size());
  SpecialisedGraph result{source, std::vector<TensorInfo>(source.values.size()), {}, {}};
  Graph& graph = result.graph;
  graph.nodes.clear();
  ADZE_CHECK(release_constants(graph));  // what is made of them here is this graph's alone
  for (std::size_t i = 0; i < graph.values.size(); i++) {
    const Value& value = graph.values[i];
    if (!value.constant) continue;
    result.infos[i] = {value.constant->type(), value.constant->shape(), &*value.constant, value.constant_id};
  }
  for (std::size_t i = 0; i < inputs_given.size(); i++) {
    const auto& [shape, type, content] = inputs_given[i];
    const Port& port = graph.inputs[i];
    if (content) graph[port.value].constant = *content;
    result.info(port.value) = {port.type == DType::undefined ? type : port.type, shape,
                               content ? &*graph[port.value].constant : nullptr, 0};
  }
  Deferred deferred(result);
  std::size_t budget = max_bytes;
  for (const Node& node : source.nodes) {
    if (deferred.depends(node)) {
      deferred.add(node, 0);
      continue;
    }
    const auto inputs = result.input_infos(node);
    if (auto checked = check_types(*node.op, inputs); !checked) return at(node, std::move(checked).error());
    if (node.op->run_whole) {
      if (!foldable(graph, node)) {
        deferred.add(node, 0);
        continue;
      }
      ADZE_CHECK(fold(graph, node, budget));
      for (const ValueId id : node.outputs) {
        if (id != kNoValue) result.set_constant(id, *graph[id].constant, 0);
      }
      continue;
    }
    InferContext context(node, inputs);
    if (auto inferred = node.op->infer(context); !inferred) {
      if (!context.missing()) return at(node, std::move(inferred).error());
      deferred.add(node, context.missing());
      continue;
    }
    if (auto checked = check_sizes(context.outputs(), max_bytes); !checked) return at(node, std::move(checked).error());
    const bool known = store_values(graph, context) || foldable(graph, node);
    if (known && !graph[node.outputs[0]].constant) ADZE_CHECK(fold(graph, node, budget));
    for (std::size_t i = 0; i < node.outputs.size(); i++) {
      const ValueId id = node.outputs[i];
      if (id == kNoValue) continue;
      result.info(id) = context.outputs()[i];
      graph[id].type = result.info(id).type;
      if (known) result.info(id).value = &*graph[id].constant;
    }
    if (!known) graph.nodes.push_back(node);
  }
  deferred.set_outputs();
  ADZE_CHECK(release_constants(graph));
  return result;
}

Result<void> fold_constants(Graph& graph, std::size_t max_bytes) {
  ADZE_CHECK(check_constant_sizes(graph, max_bytes));
  ADZE_CHECK(release_constants(graph));  // a body's are shared with the node that holds it
  std::size_t budget = max_bytes;
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    if (!foldable(graph, node)) {
      kept.push_back(std::move(node));
      continue;
    }
    std::vector<TensorInfo> infos(node.inputs.size());
    std::vector<const TensorInfo*> inputs(node.inputs.size(), nullptr);
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      if (node.inputs[i] == kNoValue) continue;
      const Tensor& tensor = *graph[node.inputs[i]].constant;
      infos[i] = {tensor.type(), tensor.shape(), &tensor, 0};
      inputs[i] = &infos[i];
    }
    if (auto checked = check_types(*node.op, inputs); !checked) return at(node, std::move(checked).error());
    if (!node.op->run_whole) {
      InferContext context(node, inputs);
      if (auto inferred = node.op->infer(context); !inferred) return at(node, std::move(inferred).error());
      if (auto checked = check_sizes(context.outputs(), max_bytes); !checked) {
        return at(node, std::move(checked).error());
      }
      if (store_values(graph, context)) continue;
    }
    ADZE_CHECK(fold(graph, node, budget));
  }
  graph.nodes = std::move(kept);
  ADZE_CHECK(release_constants(graph));
  drop_unread_constants(graph);
  for (std::size_t i = 0; i < graph.values.size(); i++) {
    if (graph.values[i].constant) graph.values[i].constant_id = i + 1;
  }
  return {};
}

}  // namespace adze
