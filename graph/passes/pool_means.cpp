#include <algorithm>

#include "graph/axis.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"
#include "graph/window.h"

namespace adze {
namespace {

// The mean over all spatial axes, and over these alone.
bool is_spatial_mean(const Graph& graph, const Node& node, const Shape& source) {
  if (!is_op(node, "ReduceMean")) return false;
  std::vector<std::int64_t> axes = node.attributes.integers("axes");
  if (const Tensor* input = constant_input(graph, node, 1)) {
    const auto given = input->as<std::int64_t>();
    axes.assign(given.begin(), given.end());
  }
  const auto reduced = axis_set(axes, source.rank());
  return reduced && !(*reduced)[0] && !(*reduced)[1] && std::ranges::count(*reduced, true) == source.rank() - 2;
}

// One window that covers the image and nothing else.
bool is_whole_average(const Node& node, const Shape& source) {
  if (!is_op(node, "AveragePool")) return false;
  auto window = read_window(node, source.rank() - 2, {});
  const std::vector<std::int64_t> image(source.begin() + 2, source.end()), none(image.size(), 0);
  if (!window || window->kernel != image || !slide(node, *window, image, false)) return false;
  return window->pad_begin == none && window->pad_end == none &&
         std::ranges::count(window->dilation, 1) == source.rank() - 2;
}

}  // namespace

void pool_means(SpecialisedGraph& g) {
  std::vector<Node> before = std::move(g.graph.nodes);
  std::vector<Node>& nodes = g.graph.nodes;
  nodes.clear();
  std::vector<bool> convolved(g.graph.values.size());
  for (Node& node : before) {
    if (is_op(node, "Conv")) convolved[static_cast<std::size_t>(node.outputs[0])] = true;
    const ValueId source = node.inputs.empty() ? kNoValue : node.inputs[0], result = node.outputs[0];
    const bool open =
        source != kNoValue && convolved[static_cast<std::size_t>(source)] && g.info(source).type == DType::f32;
    const bool mean = open && is_spatial_mean(g.graph, node, g.shape(source));
    if (!mean && !(open && is_whole_average(node, g.shape(source)))) {
      nodes.push_back(std::move(node));
      continue;
    }
    g.exact = g.exact && !mean;
    Shape pooled = g.shape(source);
    for (int axis = 2; axis < pooled.rank(); axis++) pooled[axis] = 1;
    if (g.shape(result) == pooled) {
      nodes.push_back(make_node(node.name, "GlobalAveragePool", {source}, {result}));
      continue;
    }
    const ValueId image = g.add_value(g.graph[result].name + ":pooled", DType::f32, pooled);
    nodes.push_back(make_node(node.name, "GlobalAveragePool", {source}, {image}));
    const auto dims = g.shape(result).dims();
    const ValueId shape =
        g.add_constant(node.name + ":shape", Tensor::from_ints(std::vector<std::int64_t>(dims.begin(), dims.end())), 0);
    nodes.push_back(make_node(node.name, "Reshape", {image, shape}, {result}));
  }
}

}  // namespace adze
