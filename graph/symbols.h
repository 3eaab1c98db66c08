// Symbolic dimensions: one name is one size, wherever the inputs of a model have it.
#pragma once

#include <span>

#include "graph/graph.h"
#include "graph/specialised.h"

namespace adze {

// Error bad_input, naming both inputs, where the shapes give one symbol two sizes. Inputs of another rank than the
// declared one are left to the caller. REQUIRES: as many shapes as graph.inputs.
Result<void> check_symbols(const Graph& graph, std::span<const InputShape> inputs);

}  // namespace adze
