#include <algorithm>

#include "graph/conv/steps.h"
#include "graph/passes/open_conv.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {

void sum_rows_for_pooling(SpecialisedGraph& g) {
  const Uses uses(g.graph);
  for (Node& pool : g.graph.nodes) {
    if (!is_op(pool, "GlobalAveragePool") || !pool.channels_last) continue;
    const int producer = uses.producer(pool.inputs[0]);
    if (producer < 0) continue;
    Node& conv = g.graph.nodes[static_cast<std::size_t>(producer)];
    const auto problem = open_conv(g, conv);
    if (!problem || !problem->depthwise()) continue;
    if (conv.outputs.size() == 1) {
      Shape rows = g.shape(conv.outputs[0]);
      rows[rows.rank() - 2] = 1;
      conv.outputs.push_back(g.add_value(g.graph[conv.outputs[0]].name + ":row_sums", DType::f32, rows));
    }
    pool.attributes.set(std::string(kPooledPixels), volume(problem->geometry().out));
    pool.inputs[0] = conv.outputs[1];
    g.exact = false;
  }
}

namespace {

// The two operands of x * scale, where x is an image of this shape and scale has one factor per image and channel.
struct Scaled {
  ValueId x, scale;
};
std::optional<Scaled> scaled_image(const SpecialisedGraph& g, const Node& node, const Shape& image) {
  // Before version 7 operands were matched by axis numbers.
  if (!is_op(node, "Mul") || node.version < 7) return {};
  Shape factors = image;
  for (int axis = 1; axis + 1 < image.rank(); axis++) factors[axis] = 1;
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    const Scaled found{node.inputs[side], node.inputs[1 - side]};
    const bool fits = g.shape(found.x) == image && g.shape(found.scale) == factors;
    if (fits && !g.info(found.x).value && !g.info(found.scale).value) return found;
  }
  return {};
}

}  // namespace

void fold_scales(SpecialisedGraph& g) {
  const Uses uses(g.graph);
  std::vector<bool> marked(g.graph.nodes.size());
  for (std::size_t n = 0; n < g.graph.nodes.size(); n++) {
    Node& conv = g.graph.nodes[n];
    const auto problem = open_conv(g, conv);
    if (!problem || !problem->pointwise() || !scaling_weights_pays(*problem)) continue;
    const int producer = uses.producer(conv.inputs[0]);
    if (producer < 0 || uses.count(conv.inputs[0]) != 1) continue;
    const Node& product = g.graph.nodes[static_cast<std::size_t>(producer)];
    const auto scaled = scaled_image(g, product, g.shape(conv.inputs[0]));
    if (!scaled) continue;
    conv.inputs[0] = scaled->x;
    conv.inputs.resize(std::max<std::size_t>(conv.inputs.size(), 3), kNoValue);
    conv.scale = static_cast<int>(conv.inputs.size());
    conv.inputs.push_back(scaled->scale);
    marked[static_cast<std::size_t>(producer)] = true;
    g.exact = false;
  }
  erase_nodes(g.graph, marked);
}

}  // namespace adze
