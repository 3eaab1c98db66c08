// What the passes share: who makes a value, who uses it, and how to redirect a use.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "graph/specialised.h"

namespace adze {

// Where values are made and used, by ValueId. Valid until nodes are added, removed or reordered.
class Uses {
 public:
  explicit Uses(const Graph& graph);

  // The index of the node that makes the value; -1 for inputs and constants.
  int producer(ValueId id) const { return producers_[static_cast<std::size_t>(id)]; }
  // How many node inputs and graph outputs read the value.
  int count(ValueId id) const { return counts_[static_cast<std::size_t>(id)]; }
  // The only node that reads the value; -1 when there are more, or a graph output is among them.
  int only_consumer(ValueId id) const { return count(id) == 1 ? consumers_[static_cast<std::size_t>(id)] : -1; }

 private:
  std::vector<int> producers_, counts_, consumers_;
};

bool is_op(const Node& node, std::string_view name);
// The node's constant input i, or null.
const Tensor* constant_input(const Graph& graph, const Node& node, int i);
// Every use of `from`, by nodes and graph outputs, becomes a use of `to`.
void replace_uses(Graph& graph, ValueId from, ValueId to);
// Removes the nodes whose index is marked.
void erase_nodes(Graph& graph, const std::vector<bool>& marked);
// A tensor made of `source`, by `make(source, bytes)`, whenever its bytes are needed.
Tensor derived(const Tensor& source, DType type, const Shape& shape,
               std::function<void(const Tensor&, std::byte*)> make);
// A stable name for a constant made from another by a fixed rule.
std::uint64_t derived_id(std::uint64_t source, std::uint64_t rule);
// A node of the newest version of an ai.onnx operator.
Node make_node(std::string name, std::string_view op, std::vector<ValueId> inputs, std::vector<ValueId> outputs);

}  // namespace adze
