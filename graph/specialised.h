// SpecialisedGraph: a graph for concrete input shapes. Every value's type and shape is known, and all that follows
// from shapes alone has become a constant, so passes and preparation work with plain numbers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/op.h"

namespace adze {

struct SpecialisedGraph {
  Graph graph;
  std::vector<TensorInfo> infos;  // by ValueId

  TensorInfo& info(ValueId id) { return infos[static_cast<std::size_t>(id)]; }
  const TensorInfo& info(ValueId id) const { return infos[static_cast<std::size_t>(id)]; }
  const Shape& shape(ValueId id) const { return info(id).shape; }

  ValueId add_value(std::string name, DType type, const Shape& shape);
  ValueId add_constant(std::string name, Tensor tensor, std::uint64_t constant_id);
  // Gives an existing value its content.
  void set_constant(ValueId id, Tensor tensor, std::uint64_t constant_id);
  // What InferContext and PrepareContext take: null where an input is left out.
  std::vector<const TensorInfo*> input_infos(const Node& node) const;
};

// Infers every shape from the inputs' (in the order of graph.inputs), and evaluates each node whose inputs are all
// known. Nodes whose outputs became constants are gone. Folded constants take at most `max_bytes` in all.
Result<SpecialisedGraph> specialise(const Graph& graph, std::span<const Shape> input_shapes, std::size_t max_bytes);

// Evaluates nodes that depend on constants alone, whatever the input shapes; done once per model.
Result<void> fold_constants(Graph& graph, std::size_t max_bytes);

}  // namespace adze
