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
  // Nodes whose shapes follow from content that only a run gives, and all that depend on them, in order. If there are
  // any, graph.outputs are the values that `rest` reads or that are outputs of the whole.
  std::vector<Node> rest;
  std::vector<ValueId> asked;  // of graph.outputs, those whose content `rest` needs
  bool exact = true;           // false once a pass has changed how results are rounded

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

// An input of a model: its shape, its type where the model leaves it open, and its content where shapes follow from it.
struct InputShape {
  Shape shape;
  DType type = DType::undefined;
  std::optional<Tensor> content = {};

  bool operator==(const InputShape& other) const;
  bool operator==(const Shape& other) const { return shape == other && type == DType::undefined && !content; }
};

// Infers every shape from the inputs' (in the order of graph.inputs), and evaluates each node whose inputs are all
// known. Nodes whose outputs became constants are gone. Folded constants take at most `max_bytes` in all.
Result<SpecialisedGraph> specialise(const Graph& graph, std::span<const InputShape> inputs, std::size_t max_bytes);

// Evaluates nodes that depend on constants alone, whatever the input shapes; done once per model.
Result<void> fold_constants(Graph& graph, std::size_t max_bytes);

}  // namespace adze
