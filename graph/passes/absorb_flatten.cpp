#include <cstring>

#include "graph/evaluate.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

constexpr std::uint64_t kRule = 3;

// [k, n] (or [n, k] when `rows_are_n`) with k = (c, s) reordered to k = (s, c).
Tensor reordered(const Tensor& weights, std::int64_t c, std::int64_t s, bool rows_are_n) {
  const std::int64_t n = weights.shape()[rows_are_n ? 0 : 1];
  const Shape split = rows_are_n ? Shape{n, c, s} : Shape{c, s, n};
  const std::vector<int> perm = rows_are_n ? std::vector<int>{0, 2, 1} : std::vector<int>{1, 0, 2};
  return derived(weights, weights.type(), weights.shape(),
                 [split, perm](const Tensor& from, std::byte* to) { transpose_into(from.reshaped(split), perm, to); });
}

// A matrix product that reads `matrix` as its left operand, with constant weights on the right.
bool reads_as_left(const SpecialisedGraph& g, const Node& node, ValueId matrix) {
  if (!is_op(node, "Gemm") && !is_op(node, "MatMul")) return false;
  if (node.inputs[0] != matrix || node.inputs[1] == matrix || node.attributes.integer("transA", 0)) return false;
  const Tensor* weights = constant_input(g.graph, node, 1);
  return weights && weights->shape().rank() == 2;
}

}  // namespace

void absorb_flatten(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  const Uses uses(graph);
  for (Node& flatten : graph.nodes) {
    if (!is_op(flatten, "Flatten") && !is_op(flatten, "Reshape")) continue;
    const int producer = uses.producer(flatten.inputs[0]);
    const int consumer = uses.only_consumer(flatten.outputs[0]);
    if (producer < 0 || consumer < 0) continue;
    const Node& transpose = graph.nodes[static_cast<std::size_t>(producer)];
    Node& product = graph.nodes[static_cast<std::size_t>(consumer)];
    const Shape &tensor = g.shape(flatten.inputs[0]), &matrix = g.shape(flatten.outputs[0]);
    const int rank = tensor.rank();
    if (!is_op(transpose, "Transpose") || rank < 3 || matrix.rank() != 2 || matrix[0] != tensor[0]) continue;
    const auto perm = transpose.attributes.integers("perm");
    const auto expected = from_channels_last(rank);
    if (!std::equal(perm.begin(), perm.end(), expected.begin(), expected.end())) continue;
    if (!reads_as_left(g, product, flatten.outputs[0])) continue;

    const bool rows_are_n = is_op(product, "Gemm") && product.attributes.integer("transB", 0);
    const std::int64_t c = tensor[1], s = tensor.elements(2, rank);
    const ValueId weights = product.inputs[1];
    if (g.shape(weights)[rows_are_n ? 1 : 0] != c * s) continue;
    // The bytes are flattened in the order they lie in; which axes they had makes no difference to a view.
    flatten.inputs[0] = transpose.inputs[0];
    if (c == 1 || s == 1) continue;  // both orders are one
    g.exact = false;
    product.inputs[1] =
        g.add_constant(graph[weights].name + ":channels_last", reordered(*g.info(weights).value, c, s, rows_are_n),
                       derived_id(g.info(weights).constant_id, kRule * 4096 + static_cast<std::uint64_t>(c)));
  }
}

}  // namespace adze
