#include "graph/passes/open_conv.h"

#include "graph/passes/rewrite.h"

namespace adze {

std::optional<ConvProblem> open_conv(const SpecialisedGraph& g, const Node& node) {
  if (!is_op(node, "Conv") || !node.channels_last || node.planar_source || node.winograd || node.scale >= 0) return {};
  const auto inputs = g.input_infos(node);
  const bool run_time_bias = inputs.size() > 2 && inputs[2] && !inputs[2]->value;
  if (inputs[0]->type != DType::f32 || !inputs[1]->value || run_time_bias) return {};
  auto problem = conv_problem(node, inputs[0]->shape, inputs[1]->shape);
  if (!problem) return {};
  return *std::move(problem);
}

}  // namespace adze
