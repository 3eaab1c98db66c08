#include "kernels/winograd/winograd.h"

#include "graph/conv/problem.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {

void choose_winograd(SpecialisedGraph& g) {
  for (Node& node : g.graph.nodes) {
    if (!is_op(node, "Conv") || !node.channels_last || node.planar_source) continue;
    const auto inputs = g.input_infos(node);
    if (inputs[0]->type != DType::f32 || !inputs[1]->value || (inputs.size() > 2 && inputs[2] && !inputs[2]->value))
      continue;
    const auto problem = conv_problem(node, inputs[0]->shape, inputs[1]->shape);
    if (!problem) continue;
    node.winograd = winograd_outputs(problem->geometry(), problem->group_oc());
    g.exact = g.exact && node.winograd == 0;
  }
}

}  // namespace adze
