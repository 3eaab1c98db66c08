#include "kernels/conv/planar.h"

#include <algorithm>

#include "graph/conv/problem.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

// [n, c, h, w] to [n, h, w, c].
bool puts_channels_last(const Node& node) {
  const std::vector<std::int64_t> perm = {0, 2, 3, 1};
  return is_op(node, "Transpose") && std::ranges::equal(node.attributes.integers("perm"), perm);
}

}  // namespace

void read_planar(SpecialisedGraph& g) {
  const Uses uses(g.graph);
  bool found = false;
  for (Node& node : g.graph.nodes) {
    if (!is_op(node, "Conv") || !node.channels_last) continue;
    const auto inputs = g.input_infos(node);
    if (inputs[0]->type != DType::f32 || !inputs[1]->value || (inputs.size() > 2 && inputs[2] && !inputs[2]->value))
      continue;
    const int producer = uses.producer(node.inputs[0]);
    if (producer < 0 || !puts_channels_last(g.graph.nodes[static_cast<std::size_t>(producer)])) continue;
    const auto problem = conv_problem(node, inputs[0]->shape, inputs[1]->shape);
    if (!problem || problem->groups != 1 || !planar_takes(problem->geometry())) continue;
    node.inputs[0] = g.graph.nodes[static_cast<std::size_t>(producer)].inputs[0];
    node.planar_source = true;
    found = true;
    g.exact = g.exact && problem->src.c == 1;
  }
  if (found) drop_dead_nodes(g);
}

}  // namespace adze
