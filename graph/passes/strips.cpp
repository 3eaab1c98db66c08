#include "graph/conv/strips.h"

#include <algorithm>

#include "graph/passes/open_conv.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"
#include "kernels/gemm/dot.h"

namespace adze {
namespace {

// An open convolution of flat images.
std::optional<ConvProblem> plain_problem(const SpecialisedGraph& g, const Node& node) {
  const auto problem = open_conv(g, node);
  return problem && problem->src.axes() == 2 ? problem : std::nullopt;
}

// With dilation the source lines of a few rows would lie apart, and a strip keeps a run of them.
bool is_depthwise(const ConvProblem& p) { return p.depthwise() && p.geometry().dilation == Spatial{1, 1, 1}; }

// The nodes of one chain, by index; -1 where there is none.
struct Chain {
  int expand = -1, depthwise = -1, project = -1;

  std::vector<int> nodes() const {
    std::vector<int> all;
    for (const int n : {expand, depthwise, project}) {
      if (n >= 0) all.push_back(n);
    }
    return all;
  }
};

class Finder {
 public:
  explicit Finder(const SpecialisedGraph& g) : g_(g), uses_(g.graph), taken_(g.graph.nodes.size()) {}

  // The chain around node n that pays best: with both neighbours, else with one.
  std::optional<Chain> chain_at(int n) {
    const Node& node = at(n);
    const auto problem = plain_problem(g_, node);
    if (!problem || !is_depthwise(*problem)) return {};
    ConvGeometry geometry = problem->geometry();
    geometry.ic = problem->src.c;
    const int before = uses_.count(node.inputs[0]) == 1 ? pointwise(uses_.producer(node.inputs[0])) : -1;
    const bool last = node.residual >= 0 || node.outputs.size() > 1;
    const int behind = last ? -1 : pointwise(uses_.only_consumer(node.outputs[0]));
    const bool expands = before >= 0 && at(before).residual < 0;
    const bool projects = behind >= 0 && at(behind).inputs[0] == node.outputs[0];
    for (const Chain& chain : {Chain{expands ? before : -1, n, projects ? behind : -1},
                               Chain{expands ? before : -1, n, -1}, Chain{-1, n, projects ? behind : -1}}) {
      std::int64_t weights = 0;
      for (const int part : {chain.expand, chain.project}) {
        if (part >= 0) weights += g_.shape(at(part).inputs[1]).elements();
      }
      const StripNeighbours around{chain.expand >= 0, chain.project >= 0, weights};
      if ((!around.expands && !around.projects) || !strips_pay(geometry, around)) continue;
      for (const int part : chain.nodes()) taken_[static_cast<std::size_t>(part)] = true;
      return chain;
    }
    return {};
  }

 private:
  const Node& at(int n) const { return g_.graph.nodes[static_cast<std::size_t>(n)]; }

  // n, if that is a pointwise convolution on register tiles, and no chain has it yet; else -1.
  int pointwise(int n) const {
    if (n < 0 || taken_[static_cast<std::size_t>(n)]) return -1;
    const auto problem = plain_problem(g_, at(n));
    return problem && problem->pointwise() && !dots_pay(problem->src.c, problem->dst.c) ? n : -1;
  }

  const SpecialisedGraph& g_;
  const Uses uses_;
  std::vector<bool> taken_;
};

ValueId input(const Node& node, std::size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoValue; }

Node joined(const Graph& graph, const Chain& chain) {
  Node made;
  made.op = &strips_op;
  for (const int n : chain.nodes()) made.parts.push_back(graph.nodes[static_cast<std::size_t>(n)]);
  const Node& last = made.parts.back();
  made.name = last.name;
  made.inputs = {made.parts.front().inputs[0]};
  for (const Node& part : made.parts) {
    made.inputs.push_back(input(part, 1));
    made.inputs.push_back(input(part, 2));
  }
  if (last.residual >= 0) made.inputs.push_back(last.inputs[static_cast<std::size_t>(last.residual)]);
  made.outputs = last.outputs;
  return made;
}

}  // namespace

void fuse_strips(SpecialisedGraph& g) {
  Graph& graph = g.graph;
  Finder finder(g);
  std::vector<Chain> chains;
  for (std::size_t n = 0; n < graph.nodes.size(); n++) {
    if (const auto chain = finder.chain_at(static_cast<int>(n))) chains.push_back(*chain);
  }
  std::vector<bool> marked(graph.nodes.size());
  for (const Chain& chain : chains) {
    const std::vector<int> nodes = chain.nodes();
    Node made = joined(graph, chain);
    for (const int n : nodes) marked[static_cast<std::size_t>(n)] = n != nodes.back();
    graph.nodes[static_cast<std::size_t>(nodes.back())] = std::move(made);
  }
  erase_nodes(graph, marked);
}

}  // namespace adze
