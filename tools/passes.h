// Whether the optimising passes keep what a model computes.
#pragma once

#include <string>
#include <vector>

#include "graph/core/tensor.h"
#include "runtime/model.h"

namespace adze {

// Runs the model without and with them, else as `options` say, on the same inputs, in the order of the model's. Error
// mismatch where an output differs: in any byte, or by more than kPassRounding where a pass rounds differently.
Result<void> check_passes(const std::string& path, const std::vector<Tensor>& feeds, int threads, ModelOptions options);

}  // namespace adze
