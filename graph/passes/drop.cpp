#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

bool is_identity(const Graph& graph, const Node& node) {
  if (is_op(node, "Identity")) return true;
  if (!is_op(node, "Dropout") || (node.outputs.size() > 1 && node.outputs[1] != kNoValue)) return false;
  if (node.inputs.size() < 3 || node.inputs[2] == kNoValue) return true;
  const Tensor* training = constant_input(graph, node, 2);
  return training && !training->as<bool>()[0];
}

}  // namespace

void drop_identities(SpecialisedGraph& g) {
  std::vector<bool> marked(g.graph.nodes.size());
  // Names of graph outputs live in Port and are found by value, so an output may move to the identity's source.
  for (std::size_t n = 0; n < g.graph.nodes.size(); n++) {
    const Node& node = g.graph.nodes[n];
    if (!is_identity(g.graph, node)) continue;
    const ValueId from = node.outputs[0];
    bool is_output = false;
    for (const Port& port : g.graph.outputs) is_output |= port.value == from;
    if (is_output) continue;
    replace_uses(g.graph, from, node.inputs[0]);
    marked[n] = true;
  }
  erase_nodes(g.graph, marked);
}

void drop_dead_nodes(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  std::vector<bool> live(graph.values.size()), dead(graph.nodes.size());
  for (const Port& port : graph.outputs) live[static_cast<std::size_t>(port.value)] = true;
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    bool needed = false;
    for (const ValueId id : graph.nodes[n].outputs) needed |= id != kNoValue && live[static_cast<std::size_t>(id)];
    dead[n] = !needed;
    if (!needed) continue;
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) live[static_cast<std::size_t>(id)] = true;
    }
  }
  erase_nodes(graph, dead);
}

}  // namespace adze
