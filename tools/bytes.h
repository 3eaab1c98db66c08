// Whether a model's bytes depend on how it is run.
#pragma once

#include <string>
#include <vector>

#include "graph/core/tensor.h"
#include "runtime/model.h"

namespace adze {

// Random inputs; a batch of several rows where the model declares one.
Result<std::vector<Tensor>> batch_feeds(const Model& model);

// Runs the model with several numbers of threads on every instruction set up to that of `options`, the portable one
// only where there is no other; and where the feeds are a batch, each of its rows alone. Says what was run. Error
// mismatch where any byte differs from those of an untuned run.
Result<std::string> check_bytes(const std::string& path, const std::vector<Tensor>& feeds, ModelOptions options);

}  // namespace adze
