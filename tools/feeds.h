// What a command line feeds a model: files, shapes, or made-up values.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "runtime/session.h"

namespace adze {

struct FeedOptions {
  std::vector<std::string> inputs;  // NAME=FILE.npy or NAME=FILE.pb
  std::vector<std::string> shapes;  // NAME=1x3x224x224
  std::string fill = "zeros";       // or random:SEED
};

void add_feed_options(CLI::App& verb, FeedOptions& options);

// One tensor per model input, in their order. Inputs without a file take `fill` in the given or default shape.
Result<std::vector<Tensor>> make_feeds(const Model& model, const FeedOptions& options);

// Checks names, types, ranks and fixed dimensions against the model.
Result<std::vector<Tensor>> match_feeds(const Model& model, std::map<std::string, Tensor> tensors);

std::vector<Shape> shapes_of(std::span<const Tensor> tensors);

// A file's tensor by its extension.
Result<Tensor> read_tensor(const std::string& path);

}  // namespace adze
