// The layout passes. Spatial operators run as [n, spatial..., c]; insert_layout puts each between two transposes,
// sink_transposes moves these towards the outputs until they meet their inverse or an operator that needs ONNX's
// order. What is left are real changes of order, usually one at the input and none or one at an output.
#include <algorithm>
#include <map>
#include <numeric>

#include "graph/evaluate.h"
#include "graph/passes/axis_groups.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

using Permutation = std::vector<int>;

Permutation inverse(const Permutation& perm) {
  Permutation result(perm.size());
  for (std::size_t i = 0; i < perm.size(); i++) result[static_cast<std::size_t>(perm[i])] = static_cast<int>(i);
  return result;
}

bool is_identity(const Permutation& perm) { return std::ranges::is_sorted(perm); }

Permutation perm_of(const Node& transpose, int rank) {
  const auto given = transpose.attributes.integers("perm");
  Permutation perm(given.begin(), given.end());
  if (perm.empty()) {
    perm.resize(static_cast<std::size_t>(rank));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  return perm;
}

std::uint64_t rule_of(const Permutation& perm, int rank) {
  std::uint64_t rule = 16 + static_cast<std::uint64_t>(rank);
  for (const int axis : perm) rule = rule * 16 + static_cast<std::uint64_t>(axis);
  return rule;
}

Node transpose_node(const SpecialisedGraph& g, ValueId from, ValueId to, const Permutation& perm) {
  Node node = make_node(g.graph[to].name + ":transpose", "Transpose", {from}, {to});
  node.attributes.set("perm", std::vector<std::int64_t>(perm.begin(), perm.end()));
  return node;
}

Tensor transposed_later(const Tensor& source, const Permutation& perm) {
  return derived(source, source.type(), permuted(source.shape(), perm),
                 [perm](const Tensor& from, std::byte* to) { transpose_into(from, perm, to); });
}

// A value holding `id` with its axes permuted; the node that computes it is appended to `nodes`, constants are
// reordered now.
ValueId permuted_value(SpecialisedGraph& g, std::vector<Node>& nodes, ValueId id, const Permutation& perm) {
  const TensorInfo info = g.info(id);
  const std::string name = g.graph[id].name + ":permuted";
  if (info.value) {
    return g.add_constant(name, transposed_later(*info.value, perm),
                          derived_id(info.constant_id, rule_of(perm, info.shape.rank())));
  }
  const ValueId result = g.add_value(name, info.type, permuted(info.shape, perm));
  nodes.push_back(transpose_node(g, id, result, perm));
  return result;
}

bool is_data_input(const Node& node, std::size_t i) { return i == 0 || static_cast<int>(i) == node.residual; }

// ---- sinking --------------------------------------------------------------------------------------------------------

// What a value is a transpose of; equal to it when `perm` is empty.
struct Source {
  ValueId value = kNoValue;
  Permutation perm;
};

class Sinker {
 public:
  explicit Sinker(SpecialisedGraph& g) : g_(g), transposed_from_(g.graph.values.size()) {}

  void run() {
    std::vector<Node> before = std::move(g_.graph.nodes);
    for (Node& node : before) {
      if (is_op(node, "Transpose")) {
        sink_into_transpose(std::move(node));
      } else if (!try_sink(node) && !try_reshape(node)) {
        emit(std::move(node));
      }
    }
    g_.graph.nodes = std::move(nodes_);
  }

 private:
  const Source* source_of(ValueId id) const {
    const auto index = static_cast<std::size_t>(id);
    return index < transposed_from_.size() && transposed_from_[index].value != kNoValue &&
                   !transposed_from_[index].perm.empty()
               ? &transposed_from_[index]
               : nullptr;
  }

  void remember(ValueId id, ValueId from, const Permutation& perm) {
    if (transposed_from_.size() <= static_cast<std::size_t>(id)) transposed_from_.resize(g_.graph.values.size());
    transposed_from_[static_cast<std::size_t>(id)] = {from, perm};
  }

  void emit(Node node) { nodes_.push_back(std::move(node)); }

  // The first value that was made from `from` by `perm`, and whether that is `output` itself.
  std::pair<ValueId, bool> same_transpose(ValueId from, const Permutation& perm, ValueId output) {
    const auto [place, first] = made_.try_emplace({from, perm}, output);
    return {place->second, first};
  }

  // Transpose of a transpose: one, or none at all. Dead ones fall to drop_dead_nodes.
  void sink_into_transpose(Node node) {
    const ValueId input = resolve(node.inputs[0]), output = node.outputs[0];
    Permutation perm = perm_of(node, g_.shape(input).rank());
    ValueId from = input;
    if (const Source* source = source_of(input)) {
      for (int& axis : perm) axis = source->perm[static_cast<std::size_t>(axis)];
      from = source->value;
    }
    // Later nodes read `from`, or what an equal transpose before made; this one stays for a graph output alone.
    const auto [equal, first] = is_identity(perm) ? std::pair{from, false} : same_transpose(from, perm, output);
    if (first) {
      remember(output, from, perm);
    } else {
      remember(output, equal, {});
    }
    emit(transpose_node(g_, from, output, perm));
  }

  ValueId resolve(ValueId id) const {
    const auto index = static_cast<std::size_t>(id);
    if (id != kNoValue && index < transposed_from_.size() && transposed_from_[index].value != kNoValue &&
        transposed_from_[index].perm.empty()) {
      return transposed_from_[index].value;
    }
    return id;
  }

  // Rewrites `node` to work on the untransposed values, when most of its data comes through equal transposes.
  bool try_sink(Node& node) {
    for (ValueId& id : node.inputs) id = resolve(id);
    if (node.op->layout != LayoutRule::transparent) return false;
    const bool elementwise = node.op->permute == nullptr;
    const Permutation* perm = nullptr;
    std::int64_t through = 0, others = 0;
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      const Source* source = source_of(id);
      const std::int64_t size = g_.info(id).elements();
      if (source && (!perm || *perm == source->perm)) {
        perm = &source->perm;
        through += size;
      } else if (!g_.info(id).value) {
        others += size;
      }
    }
    if (!perm || others > through) return false;
    const Permutation out_perm = *perm;  // outputs are transpose(untransposed, out_perm)
    const Permutation in_perm = inverse(out_perm);
    const int rank = static_cast<int>(out_perm.size());
    for (const ValueId id : node.outputs) {
      if (id != kNoValue && g_.shape(id).rank() != rank) return false;
    }
    for (const ValueId id : node.inputs) {
      // Before version 7 operands were matched by axis numbers, which a change of order would falsify.
      if (id != kNoValue && elementwise && node.version < 7 && !(g_.shape(id) == g_.shape(node.outputs[0])))
        return false;
      if (id != kNoValue && elementwise && g_.shape(id).rank() > rank) return false;
      // A shorter operand is stretched to full rank, which only a constant can be for nothing.
      if (id != kNoValue && elementwise && g_.shape(id).rank() != rank && !g_.info(id).value &&
          g_.info(id).elements() != 1) {
        return false;
      }
    }
    Node moved = node;
    if (!elementwise && !node.op->permute(moved, in_perm)) return false;
    if (node.op->accumulates && node.op->accumulates(node) && is_float(g_.info(node.outputs[0]).type)) g_.exact = false;
    for (ValueId& id : moved.inputs) {
      if (id != kNoValue) id = operand(id, in_perm, rank, elementwise);
    }
    emit_with_transposes(std::move(moved), out_perm);
    return true;
  }

  // A reshape that splits and merges axes of a transposed value does the same to the value before the transpose. Axes
  // that merge must lie side by side there; where they do in another order, as in a shuffle of channels, they are put
  // in order at their place, so that channels stay last.
  bool try_reshape(const Node& node) {
    if (!is_op(node, "Reshape")) return false;
    const Source* source = source_of(node.inputs[0]);
    const Shape from = g_.shape(node.inputs[0]), to = g_.shape(node.outputs[0]);
    if (!source || to.rank() < 3) return false;  // a matrix is most often what a product takes: absorb_flatten's
    const auto groups = axis_groups(from, to);
    if (!groups) return false;
    const Permutation perm = source->perm;
    ValueId value = source->value;
    // The untransposed axes, and for each group where its own begin, in the order that merging needs.
    std::vector<int> order(perm.size());
    std::iota(order.begin(), order.end(), 0);
    std::vector<const AxisGroup*> placed;
    for (const AxisGroup& group : *groups) placed.push_back(&group);
    const auto lowest = [&](const AxisGroup* group) {
      const auto begin = perm.begin() + group->from;
      return *std::min_element(begin, begin + group->count);
    };
    for (const AxisGroup* group : placed) {
      const auto begin = perm.begin() + group->from;
      const auto [low, high] = std::minmax_element(begin, begin + group->count);
      if (*high - *low + 1 != group->count) return false;
      std::copy(begin, begin + group->count, order.begin() + *low);
    }
    std::ranges::sort(placed, {}, lowest);
    if (!is_identity(order)) {
      const auto known = made_.find({value, order});
      const ValueId ordered = known != made_.end() ? known->second : permuted_value(g_, nodes_, value, order);
      made_.emplace(std::pair{value, order}, ordered);
      value = ordered;
    }
    // Each group's axes in the untransposed result, in their order there.
    std::vector<std::int64_t> sizes;
    Permutation out_perm(static_cast<std::size_t>(to.rank()));
    for (const AxisGroup* group : placed) {
      for (int axis = group->to; axis < group->to + group->to_count; axis++) {
        out_perm[static_cast<std::size_t>(axis)] = static_cast<int>(sizes.size());
        sizes.push_back(to[axis]);
      }
    }
    const ValueId shape = g_.add_constant(node.name + ":shape", Tensor::from_ints(sizes), 0);
    Node moved = make_node(node.name, "Reshape", {value, shape}, {node.outputs[0]});
    emit_with_transposes(std::move(moved), out_perm);
    return true;
  }

  ValueId operand(ValueId id, const Permutation& in_perm, int rank, bool elementwise) {
    const Source* source = source_of(id);
    if (source && inverse(source->perm) == in_perm) return source->value;
    const int own_rank = g_.shape(id).rank();
    if (own_rank == rank) {
      const auto known = made_.find({id, in_perm});
      if (known != made_.end()) return known->second;
      const ValueId result = permuted_value(g_, nodes_, id, in_perm);
      made_.emplace(std::pair{id, in_perm}, result);
      return result;
    }
    if (!elementwise || g_.info(id).elements() == 1) return id;  // not data, or the same in any order
    Shape full;
    for (int axis = 0; axis < rank - own_rank; axis++) full.push_back(1);
    for (const std::int64_t dim : g_.shape(id)) full.push_back(dim);
    const Tensor stretched = g_.info(id).value->reshaped(full);
    return g_.add_constant(g_.graph[id].name + ":permuted", transposed_later(stretched, in_perm),
                           derived_id(g_.info(id).constant_id, rule_of(in_perm, own_rank)));
  }

  void emit_with_transposes(Node node, const Permutation& out_perm) {
    const std::vector<ValueId> outputs = node.outputs;
    const Permutation in_perm = inverse(out_perm);
    for (ValueId& id : node.outputs) {
      if (id == kNoValue) continue;
      id = g_.add_value(g_.graph[id].name + ":permuted", g_.info(id).type, permuted(g_.shape(id), in_perm));
    }
    const std::vector<ValueId> inner = node.outputs;
    emit(std::move(node));
    for (std::size_t i = 0; i < outputs.size(); i++) {
      if (outputs[i] == kNoValue) continue;
      emit(transpose_node(g_, inner[i], outputs[i], out_perm));
      remember(outputs[i], inner[i], out_perm);
    }
  }

  SpecialisedGraph& g_;
  std::vector<Node> nodes_;
  std::vector<Source> transposed_from_;  // by ValueId
  std::map<std::pair<ValueId, Permutation>, ValueId> made_;
};

}  // namespace

void insert_layout(SpecialisedGraph& g) {
  std::vector<Node> before = std::move(g.graph.nodes);
  std::vector<Node>& nodes = g.graph.nodes;
  nodes.clear();
  for (Node& node : before) {
    const bool spatial =
        node.op->layout == LayoutRule::channels_last && !node.channels_last && g.shape(node.inputs[0]).rank() >= 3;
    if (!spatial) {
      nodes.push_back(std::move(node));
      continue;
    }
    node.channels_last = true;
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      if (!is_data_input(node, i)) continue;
      node.inputs[i] = permuted_value(g, nodes, node.inputs[i], to_channels_last(g.shape(node.inputs[i]).rank()));
    }
    const std::vector<ValueId> outputs = node.outputs;
    for (ValueId& id : node.outputs) {
      if (id == kNoValue || g.shape(id).rank() < 3) continue;
      id = g.add_value(g.graph[id].name + ":permuted", g.info(id).type,
                       permuted(g.shape(id), to_channels_last(g.shape(id).rank())));
    }
    const std::vector<ValueId> inner = node.outputs;
    nodes.push_back(std::move(node));
    for (std::size_t i = 0; i < outputs.size(); i++) {
      if (inner[i] == outputs[i]) continue;
      nodes.push_back(transpose_node(g, inner[i], outputs[i], from_channels_last(g.shape(outputs[i]).rank())));
    }
  }
}

void sink_transposes(SpecialisedGraph& g) {
  Sinker(g).run();
  drop_dead_nodes(g);
}

}  // namespace adze
