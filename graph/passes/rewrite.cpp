#include "graph/passes/rewrite.h"

namespace adze {

Uses::Uses(const Graph& graph)
    : producers_(graph.values.size(), -1), counts_(graph.values.size(), 0), consumers_(graph.values.size(), -1) {
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id == kNoValue) continue;
      counts_[static_cast<std::size_t>(id)]++;
      consumers_[static_cast<std::size_t>(id)] = static_cast<int>(n);
    }
    for (const ValueId id : graph.nodes[n].outputs) {
      if (id != kNoValue) producers_[static_cast<std::size_t>(id)] = static_cast<int>(n);
    }
  }
  for (const Port& port : graph.outputs) {
    counts_[static_cast<std::size_t>(port.value)]++;
    consumers_[static_cast<std::size_t>(port.value)] = -1;
  }
}

bool is_op(const Node& node, std::string_view name) { return node.op->name == name && node.op->domain.empty(); }

const Tensor* constant_input(const Graph& graph, const Node& node, int i) {
  const auto index = static_cast<std::size_t>(i);
  if (index >= node.inputs.size() || node.inputs[index] == kNoValue) return nullptr;
  const Value& value = graph[node.inputs[index]];
  return value.constant ? &*value.constant : nullptr;
}

void replace_uses(Graph& graph, ValueId from, ValueId to) {
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) {
      if (id == from) id = to;
    }
  }
  for (Port& port : graph.outputs) {
    if (port.value == from) port.value = to;
  }
}

void erase_nodes(Graph& graph, const std::vector<bool>& marked) {
  std::vector<Node> kept;
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    if (!marked[n]) kept.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(kept);
}

Tensor derived(const Tensor& source, DType type, const Shape& shape,
               std::function<void(const Tensor&, std::byte*)> make) {
  return Tensor::deferred(type, shape, [source = source.released(), make = std::move(make)](std::span<std::byte> to) {
    const Tensor from = source.released();  // gone again when `to` is written
    make(from, to.data());
    return from.status();
  });
}

std::uint64_t derived_id(std::uint64_t source, std::uint64_t rule) {
  if (source == 0) return 0;
  std::uint64_t x = source * 0x9e3779b97f4a7c15u ^ (rule + 0x632be59bd9b4e019u) * 0xff51afd7ed558ccdu;
  x ^= x >> 32;
  x *= 0xc4ceb9fe1a85ec53u;
  x ^= x >> 29;
  return x | 1;
}

Node make_node(std::string name, std::string_view op, std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  Node node;
  node.name = std::move(name);
  node.op = find_op("", op);
  ADZE_ASSERT(node.op);
  node.version = node.op->versions.back();
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  return node;
}

}  // namespace adze
