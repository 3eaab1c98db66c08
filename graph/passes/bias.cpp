#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {

void fuse_bias(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  const Uses uses(graph);
  std::vector<bool> marked(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    Node& product = graph.nodes[n];
    if (!is_op(product, "MatMul") || product.inputs.size() != 2) continue;
    if (!product.op->takes_epilogue(product, g.input_infos(product))) continue;
    const int consumer = uses.only_consumer(product.outputs[0]);
    if (consumer < 0) continue;
    const Node& sum = graph.nodes[static_cast<std::size_t>(consumer)];
    if (!is_op(sum, "Add") || sum.inputs[0] == sum.inputs[1]) continue;
    const int side = sum.inputs[0] == product.outputs[0] ? 1 : 0;
    const Tensor* row = constant_input(graph, sum, side);
    const Shape& result = g.shape(product.outputs[0]);
    if (!row || !(g.shape(sum.outputs[0]) == result)) continue;
    const bool fits =
        row->elements() == 1 || (row->elements() == result.back() && row->shape().back() == result.back());
    if (!fits) continue;
    product.inputs.push_back(sum.inputs[static_cast<std::size_t>(side)]);
    product.outputs[0] = sum.outputs[0];
    marked[static_cast<std::size_t>(consumer)] = true;
    g.exact = false;
  }
  erase_nodes(graph, marked);
}

}  // namespace adze
