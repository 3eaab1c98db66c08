// Looks at a node and at all that the graphs inside it hold.
#pragma once

#include <memory>
#include <variant>

#include "graph/graph.h"

namespace adze {

// Whether `wanted` holds for the node or for any node of the graphs inside it.
template <class F>
bool any_node(const Node& node, const F& wanted) {
  if (wanted(node)) return true;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute);
    if (!body) continue;
    for (const Node& inner : (*body)->nodes) {
      if (any_node(inner, wanted)) return true;
    }
  }
  return false;
}

}  // namespace adze
