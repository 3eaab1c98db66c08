// What the passes that choose a way to run convolutions start from.
#pragma once

#include <optional>

#include "graph/conv/problem.h"
#include "graph/specialised.h"

namespace adze {

// The node's shapes, if it is a channels-last convolution in f32 with constant weights and bias for which no pass has
// chosen a way yet.
std::optional<ConvProblem> open_conv(const SpecialisedGraph& g, const Node& node);

}  // namespace adze
