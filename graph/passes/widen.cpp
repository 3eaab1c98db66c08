#include <map>

#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

constexpr std::uint64_t kRule = 0x77;

bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }

bool is_product(const Node& node) {
  return is_op(node, "Conv") || is_op(node, "ConvTranspose") || is_op(node, "Gemm") || is_op(node, "MatMul") ||
         node.op->name == "FusedMatMul";
}

Tensor widened(const Tensor& half) {
  return derived(half, DType::f32, half.shape(), [](const Tensor& from, std::byte* to) {
    dispatch_float(from.type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::ranges::transform(from.as<T>(), reinterpret_cast<float*>(to),
                             [](T value) { return static_cast<float>(value); });
    });
  });
}

Node cast_node(const SpecialisedGraph& g, ValueId from, ValueId to) {
  Node node = make_node(g.graph[to].name, "Cast", {from}, {to});
  node.attributes.set("to", static_cast<std::int64_t>(g.info(to).type));
  return node;
}

}  // namespace

void widen_products(SpecialisedGraph& g) {
  std::vector<Node> before = std::move(g.graph.nodes);
  std::vector<Node>& nodes = g.graph.nodes;
  nodes.clear();
  std::map<ValueId, ValueId> wide;  // by the half-precision value
  for (Node& node : before) {
    if (!is_product(node) || !is_half(g.info(node.inputs[0]).type)) {
      nodes.push_back(std::move(node));
      continue;
    }
    for (ValueId& id : node.inputs) {
      if (id == kNoValue) continue;
      const auto [entry, is_new] = wide.try_emplace(id, kNoValue);
      if (is_new) {
        const std::string name = g.graph[id].name + ":wide";
        if (const Tensor* value = g.info(id).value) {
          entry->second = g.add_constant(name, widened(*value), derived_id(g.info(id).constant_id, kRule));
        } else {
          entry->second = g.add_value(name, DType::f32, g.shape(id));
          nodes.push_back(cast_node(g, id, entry->second));
        }
      }
      id = entry->second;
    }
    const ValueId result = node.outputs[0];
    node.outputs[0] = g.add_value(g.graph[result].name + ":wide", DType::f32, g.shape(result));
    const ValueId sum = node.outputs[0];
    nodes.push_back(std::move(node));
    nodes.push_back(cast_node(g, sum, result));
    g.exact = false;
  }
}

}  // namespace adze
