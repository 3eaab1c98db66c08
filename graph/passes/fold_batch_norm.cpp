#include <cmath>

#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

constexpr std::uint64_t kRuleWeights = 1, kRuleBias = 2;

bool parameters_constant(const Graph& graph, const Node& norm) {
  for (int i = 1; i <= 4; i++) {
    const Tensor* tensor = constant_input(graph, norm, i);
    if (!tensor || tensor->type() != DType::f32) return false;
  }
  return true;
}

// y = (conv(x) - mean) * scale / sqrt(variance + epsilon) + shift, so both weights and bias take the factor.
// Computed in double and rounded once.
void fold(SpecialisedGraph& g, Node& conv, const Node& norm) {
  const Graph& graph = g.graph;
  const auto scale = constant_input(graph, norm, 1)->as<float>(), shift = constant_input(graph, norm, 2)->as<float>();
  const auto mean = constant_input(graph, norm, 3)->as<float>(), variance = constant_input(graph, norm, 4)->as<float>();
  const double epsilon = norm.attributes.real("epsilon", 1e-5f);
  const Tensor& weights = *constant_input(graph, conv, 1);
  const Tensor* bias = constant_input(graph, conv, 2);
  const std::size_t channels = scale.size();

  std::vector<double> factors(channels);
  auto new_bias = Tensor::allocate(DType::f32, {static_cast<std::int64_t>(channels)});
  for (std::size_t c = 0; c < channels; c++) {
    factors[c] = scale[c] / std::sqrt(variance[c] + epsilon);
    const double old_bias = bias ? bias->as<float>()[c] : 0.0;
    new_bias.as<float>()[c] = static_cast<float>((old_bias - mean[c]) * factors[c] + shift[c]);
  }
  const Tensor new_weights =
      derived(weights, DType::f32, weights.shape(), [factors](const Tensor& from, std::byte* to) {
        const auto before = from.as<float>();
        auto* after = reinterpret_cast<float*>(to);
        const std::size_t per_channel = before.size() / std::max<std::size_t>(factors.size(), 1);
        for (std::size_t c = 0; c < factors.size(); c++) {
          for (std::size_t i = c * per_channel; i < (c + 1) * per_channel; i++) {
            after[i] = static_cast<float>(before[i] * factors[c]);
          }
        }
      });
  const std::uint64_t source = derived_id(graph[conv.inputs[1]].constant_id, graph[norm.inputs[1]].constant_id);
  const ValueId w = g.add_constant(graph[conv.inputs[1]].name + ":bn", new_weights, derived_id(source, kRuleWeights));
  const ValueId b =
      g.add_constant(graph[conv.inputs[1]].name + ":bn_bias", new_bias.tensor, derived_id(source, kRuleBias));
  conv.inputs.resize(3, kNoValue);
  conv.inputs[1] = w;
  conv.inputs[2] = b;
  conv.outputs[0] = norm.outputs[0];
}

}  // namespace

void fold_batch_norm(SpecialisedGraph& g) {
  const Uses uses(g.graph);
  std::vector<bool> marked(g.graph.nodes.size());
  for (std::size_t n = 0; n < g.graph.nodes.size(); n++) {
    Node& norm = g.graph.nodes[n];
    if (!is_op(norm, "BatchNormalization") || !parameters_constant(g.graph, norm)) continue;
    if (norm.attributes.integer("training_mode", 0) || norm.inputs[0] == kNoValue) continue;
    bool extra_outputs = false;
    for (std::size_t i = 1; i < norm.outputs.size(); i++) extra_outputs |= norm.outputs[i] != kNoValue;
    const int producer = uses.producer(norm.inputs[0]);
    if (extra_outputs || producer < 0 || uses.count(norm.inputs[0]) != 1) continue;
    Node& conv = g.graph.nodes[static_cast<std::size_t>(producer)];
    const Tensor* weights = is_op(conv, "Conv") ? constant_input(g.graph, conv, 1) : nullptr;
    const bool has_bias = conv.inputs.size() > 2 && conv.inputs[2] != kNoValue;
    if (!weights || weights->type() != DType::f32 || (has_bias && !constant_input(g.graph, conv, 2))) continue;
    if (conv.residual >= 0 || conv.activation.kind != Activation::none) continue;
    // A model may norm fewer or more channels than the convolution has only if it is wrong; inference refused it.
    if (weights->shape()[0] != constant_input(g.graph, norm, 1)->elements()) continue;
    fold(g, conv, norm);
    g.exact = false;
    marked[n] = true;
  }
  erase_nodes(g.graph, marked);
}

}  // namespace adze
