// One node's choices, run against each other.
#pragma once

#include "runtime/tune/step_timer.h"

namespace adze {

// What is prepared and how. All pointers must stay.
struct TrialNode {
  const Node& node;
  std::span<const TensorInfo* const> inputs;
  std::span<const TensorInfo> outputs;
  Isa isa;        // no variant above it
  bool keep_isa;  // and none below it either
  int threads;
  std::size_t max_bytes;  // of packed constants and buffers
};

// The fastest choice. The default one where no other is faster by a margin; nothing where there is no room to try.
std::optional<Choice> fastest_choice(const TrialNode& node, StepTimer& timer);

}  // namespace adze
