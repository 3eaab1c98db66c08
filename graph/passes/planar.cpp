#include "kernels/conv/planar.h"

#include <algorithm>

#include "graph/passes/open_conv.h"
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
    const auto problem = open_conv(g, node);
    if (!problem || problem->groups != 1 || !planar_takes(problem->geometry())) continue;
    const int producer = uses.producer(node.inputs[0]);
    if (producer < 0 || !puts_channels_last(g.graph.nodes[static_cast<std::size_t>(producer)])) continue;
    node.inputs[0] = g.graph.nodes[static_cast<std::size_t>(producer)].inputs[0];
    node.planar_source = true;
    found = true;
    g.exact = g.exact && problem->src.c == 1;
  }
  if (found) drop_dead_nodes(g);
}

}  // namespace adze
