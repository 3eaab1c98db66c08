#include <cmath>

#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

// One step from a value over its only reader, a binary node with a constant scalar.
class Walk {
 public:
  Walk(const SpecialisedGraph& g, const Uses& uses) : g_(g), uses_(uses) {}

  // The scalar that makes `node` an `op` of `id` and it; NaN where it is none.
  double scalar(const Node& node, std::string_view op, ValueId id) const {
    if (!is_op(node, op) || node.inputs.size() != 2) return NAN;
    const bool first = node.inputs[0] == id;
    if (!first && (op == "Div" || node.inputs[1] != id)) return NAN;
    const Tensor* other = constant_input(g_.graph, node, first ? 1 : 0);
    if (!other || other->type() != DType::f32 || other->elements() != 1) return NAN;
    return static_cast<double>(other->as<float>()[0]);
  }

  const Node* maker(ValueId id) const { return node(uses_.producer(id)); }
  // Its only reader, which must not be a graph output.
  const Node* reader(ValueId id) const { return node(uses_.only_consumer(id)); }
  int index_of_reader(ValueId id) const { return uses_.only_consumer(id); }

 private:
  const Node* node(int n) const { return n < 0 ? nullptr : &g_.graph.nodes[static_cast<std::size_t>(n)]; }

  const SpecialisedGraph& g_;
  const Uses& uses_;
};

bool near(double value, double want) { return std::fabs(value - want) < 1e-6; }

struct Gelu {
  ValueId source;
  int last;  // index of the node whose output is the result
};

// x / sqrt 2 -> Erf -> + 1 -> times x and one half, in either order.
std::optional<Gelu> gelu_around(const Walk& walk, const Node& erf) {
  const Node* scaled = walk.maker(erf.inputs[0]);
  if (!scaled || walk.reader(erf.inputs[0]) != &erf) return {};
  ValueId x = kNoValue;
  for (const ValueId id : scaled->inputs) {
    if (near(walk.scalar(*scaled, "Div", id), std::sqrt(2.0)) || near(walk.scalar(*scaled, "Mul", id), std::sqrt(0.5)))
      x = id;
  }
  const Node* plus = x == kNoValue ? nullptr : walk.reader(erf.outputs[0]);
  if (!plus || walk.scalar(*plus, "Add", erf.outputs[0]) != 1) return {};
  const ValueId sum = plus->outputs[0];
  const int product = walk.index_of_reader(sum);
  const Node* times = walk.reader(sum);
  if (!times) return {};
  if (walk.scalar(*times, "Mul", sum) == 0.5) {  // ... * 0.5, then * x
    const ValueId half = times->outputs[0];
    const Node* last = walk.reader(half);
    if (!last || !is_op(*last, "Mul") || (last->inputs[0] != x && last->inputs[1] != x)) return {};
    return Gelu{x, walk.index_of_reader(half)};
  }
  if (!is_op(*times, "Mul") || times->inputs[0] == times->inputs[1]) return {};
  const ValueId other = times->inputs[times->inputs[0] == sum ? 1 : 0];
  if (other == x) {  // ... * x, then * 0.5
    const ValueId whole = times->outputs[0];
    const Node* last = walk.reader(whole);
    if (!last || walk.scalar(*last, "Mul", whole) != 0.5) return {};
    return Gelu{x, walk.index_of_reader(whole)};
  }
  const Node* half = walk.maker(other);  // ... * (x * 0.5)
  if (!half || walk.reader(other) != times || walk.scalar(*half, "Mul", x) != 0.5) return {};
  return Gelu{x, product};
}

}  // namespace

void fuse_gelu(SpecialisedGraph& g) {
  bool found = false;
  const Uses uses(g.graph);
  const Walk walk(g, uses);
  for (std::size_t n = 0; n < g.graph.nodes.size(); n++) {
    const Node& erf = g.graph.nodes[n];
    if (!is_op(erf, "Erf") || g.info(erf.outputs[0]).type != DType::f32) continue;
    const auto gelu = gelu_around(walk, erf);
    if (!gelu) continue;
    Node& last = g.graph.nodes[static_cast<std::size_t>(gelu->last)];
    if (!(g.shape(last.outputs[0]) == g.shape(gelu->source))) continue;
    last = make_node(last.name, "Gelu", {gelu->source}, {last.outputs[0]});
    found = true;
  }
  if (!found) return;
  g.exact = false;
  drop_dead_nodes(g);
}

}  // namespace adze
