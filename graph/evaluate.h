// Runs one node on constants: constant folding, shape arithmetic while planning, and the operator tests.
#pragma once

#include <span>
#include <vector>

#include "graph/op.h"

namespace adze {

struct EvaluateOptions {
  Isa isa = active_isa();
  int parts = 1;  // slices that the step is cut into, run one after the other
};

// inputs[i] is null where input i is left out. Spatial operators take and give ONNX's [n, c, spatial...] order here
// unless the node is already marked channels_last. Errors are the operator's own, without the node's name.
Result<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor* const> inputs,
                                     const EvaluateOptions& options = {});

// Runs a graph node by node, each on constants.
Result<std::vector<Tensor>> interpret(const Graph& graph, std::span<const Tensor> inputs);

// "node \"conv1\" (Conv)": how messages name a node.
std::string describe(const Node& node);

// src with its axes reordered: axis i of the result is axis perm[i] of src.
Tensor transposed(const Tensor& src, std::span<const int> perm);
void transpose_into(const Tensor& src, std::span<const int> perm, std::byte* dst);
Shape permuted(const Shape& shape, std::span<const int> perm);

// The permutations between ONNX's and channels-last order for a rank of at least 3.
std::vector<int> to_channels_last(int rank);    // {0, 2, 3, ..., 1}
std::vector<int> from_channels_last(int rank);  // {0, rank - 1, 1, 2, ...}

}  // namespace adze
