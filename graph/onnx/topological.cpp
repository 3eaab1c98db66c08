#include "graph/onnx/topological.h"

#include <functional>
#include <queue>

namespace adze {

Result<void> sort_topologically(Graph& graph) {
  const std::size_t n = graph.nodes.size();
  std::vector<int> producer(graph.values.size(), -1), missing(n, 0);
  std::vector<std::vector<int>> users(n);
  for (std::size_t i = 0; i < n; i++) {
    for (const ValueId id : graph.nodes[i].outputs) {
      if (id != kNoValue) producer[static_cast<std::size_t>(id)] = static_cast<int>(i);
    }
  }
  for (std::size_t i = 0; i < n; i++) {
    for (const ValueId id : graph.nodes[i].inputs) {
      const int from = id == kNoValue ? -1 : producer[static_cast<std::size_t>(id)];
      if (from < 0) continue;
      users[static_cast<std::size_t>(from)].push_back(static_cast<int>(i));
      missing[i]++;
    }
  }
  // The least index first: a graph that is in order stays as it is.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (std::size_t i = 0; i < n; i++) {
    if (missing[i] == 0) ready.push(static_cast<int>(i));
  }
  std::vector<Node> ordered;
  while (!ready.empty()) {
    const auto i = static_cast<std::size_t>(ready.top());
    ready.pop();
    for (const int user : users[i]) {
      if (--missing[static_cast<std::size_t>(user)] == 0) ready.push(user);
    }
    ordered.push_back(std::move(graph.nodes[i]));
  }
  if (ordered.size() != n) {
    for (std::size_t i = 0; i < n; i++) {
      if (missing[i] > 0)
        return make_error(Code::invalid_model, "node \"", graph.nodes[i].name, "\" is part of a cycle");
    }
  }
  graph.nodes = std::move(ordered);
  return {};
}

}  // namespace adze
