// Puts nodes in an order that computes every value before its use, keeping the file's order where it can.
#pragma once

#include "graph/core/result.h"
#include "graph/graph.h"

namespace adze {

// Error invalid_model naming a node of the cycle when there is one.
Result<void> sort_topologically(Graph& graph);

}  // namespace adze
