// What the time of a node depends on, beside the machine.
#pragma once

#include <span>
#include <string>

#include "graph/op.h"

namespace adze {

// Operator, attributes, types and shapes, as one line of text. Empty where the time may depend on what the tensors
// hold, or where nothing can be chosen.
std::string node_key(const Node& node, std::span<const TensorInfo* const> inputs, std::span<const TensorInfo> outputs);

}  // namespace adze
