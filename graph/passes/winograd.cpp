#include "kernels/winograd/winograd.h"

#include "graph/passes/open_conv.h"
#include "graph/passes/pipeline.h"

namespace adze {

void choose_winograd(SpecialisedGraph& g) {
  for (Node& node : g.graph.nodes) {
    const auto problem = open_conv(g, node);
    if (!problem) continue;
    node.winograd = winograd_outputs(problem->geometry(), problem->group_oc());
    g.exact = g.exact && node.winograd == 0;
  }
}

}  // namespace adze
