// The optional config.json beside a model: how it is batched, which versions are served, what it is warmed up with, or
// the pipeline that it stands for. What is absent keeps the command line's value; unknown keys are errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/model/served_model.h"

namespace adze::server {

struct VersionPolicy {
  enum class Kind { latest, all, specific };
  Kind kind = Kind::latest;
  std::size_t count = 1;      // of the latest
  std::vector<int> versions;  // the specific ones
};

// One step of a pipeline: a model, the pipeline's tensors that it reads, and what its outputs are called there.
struct PipelineStep {
  using Names = std::vector<std::pair<std::string, std::string>>;
  std::string model;
  Names inputs;   // the model's input, the pipeline's tensor; others go by their own names
  Names outputs;  // the model's output, the pipeline's tensor; others go by their own names
};

struct Pipeline {
  std::vector<PipelineStep> steps;
  std::vector<std::string> outputs;  // empty: those of the last step
};

struct ModelConfig {
  ServedModel::Options model;
  VersionPolicy versions;
  std::optional<Pipeline> pipeline;
};

constexpr std::size_t kMaxConfigBytes = 1 << 20;

// `text` may be empty: nothing but defaults.
Result<ModelConfig> parse_config(std::string_view text, const ServedModel::Options& defaults);

}  // namespace adze::server
