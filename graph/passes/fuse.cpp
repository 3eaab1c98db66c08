#include <cmath>
#include <limits>

#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

struct Gate {
  std::string_view fused;  // what x times it is; empty where it is no gate
  bool exact = false;
};

Gate gate_of(const Node& node) {
  if (is_op(node, "Sigmoid")) return {"Swish", false};
  const float alpha = node.attributes.real("alpha", 0.2f);
  const bool slope = std::fabs(alpha - 1.0f / 6) < 1e-7f && node.attributes.real("beta", 0.5f) == 0.5f;
  return is_op(node, "HardSigmoid") && slope ? Gate{"HardSwish", alpha == 1.0f / 6} : Gate{};
}

}  // namespace

void fuse_gates(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  const Uses uses(graph);
  std::vector<bool> marked(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    Node& product = graph.nodes[n];
    if (!is_op(product, "Mul") || product.inputs.size() != 2) continue;
    if (g.info(product.outputs[0]).type != DType::f32) continue;
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      const int producer = uses.producer(product.inputs[side]);
      if (producer < 0 || uses.count(product.inputs[side]) != 1) continue;
      const Node& gate = graph.nodes[static_cast<std::size_t>(producer)];
      const Gate found = gate_of(gate);
      if (found.fused.empty() || gate.inputs[0] != product.inputs[1 - side]) continue;
      g.exact = g.exact && found.exact;
      product = make_node(product.name, found.fused, {gate.inputs[0]}, {product.outputs[0]});
      marked[static_cast<std::size_t>(producer)] = true;
      break;
    }
  }
  erase_nodes(graph, marked);
}

namespace {

// A residual has the shape of the node's own output, so any rank will do.
bool takes_residual(const SpecialisedGraph& g, const Node& node) {
  if (is_op(node, "Conv")) return true;
  const bool product = is_op(node, "MatMul") || is_op(node, "Gemm");
  return product && node.op->takes_epilogue(node, g.input_infos(node));
}

}  // namespace

void fuse_residuals(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  const Uses uses(graph);
  std::vector<bool> marked(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    Node& sum = graph.nodes[n];
    if (!is_op(sum, "Add") || g.info(sum.outputs[0]).type != DType::f32) continue;
    // The later producer takes the sum over: the other summand is complete by then.
    int best = -1;
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      const int producer = uses.producer(sum.inputs[side]);
      if (producer < 0 || uses.count(sum.inputs[side]) != 1 || marked[static_cast<std::size_t>(producer)]) continue;
      const Node& candidate = graph.nodes[static_cast<std::size_t>(producer)];
      const ValueId other = sum.inputs[1 - side];
      if (!takes_residual(g, candidate) || candidate.residual >= 0 || candidate.activation.kind != Activation::none)
        continue;
      if (graph[other].constant || !(g.shape(other) == g.shape(sum.inputs[side]))) continue;
      if (producer > best) best = producer;
    }
    if (best < 0) continue;
    Node fused = graph.nodes[static_cast<std::size_t>(best)];
    const ValueId other = fused.outputs[0] == sum.inputs[0] ? sum.inputs[1] : sum.inputs[0];
    fused.inputs.resize(std::max<std::size_t>(fused.inputs.size(), 3), kNoValue);
    fused.residual = static_cast<int>(fused.inputs.size());
    fused.inputs.push_back(other);
    fused.outputs[0] = sum.outputs[0];
    sum = std::move(fused);  // at the sum's place, where both summands are known
    marked[static_cast<std::size_t>(best)] = true;
  }
  erase_nodes(graph, marked);
}

void fuse_activations(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  const Uses uses(graph);
  std::vector<bool> marked(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    const Node& unary = graph.nodes[n];
    if (!unary.op->as_activation || g.info(unary.outputs[0]).type != DType::f32) continue;
    const auto activation = unary.op->as_activation(unary, graph);
    const int producer = uses.producer(unary.inputs[0]);
    if (!activation || producer < 0 || uses.count(unary.inputs[0]) != 1) continue;
    Node& target = graph.nodes[static_cast<std::size_t>(producer)];
    if (!target.op->takes_epilogue || !target.op->takes_epilogue(target, g.input_infos(target))) continue;
    if (target.activation.kind != Activation::none || target.outputs.size() != 1) continue;
    if (marked[static_cast<std::size_t>(producer)]) continue;
    target.activation = *activation;
    target.outputs[0] = unary.outputs[0];
    marked[n] = true;
  }
  erase_nodes(graph, marked);
}

}  // namespace adze
