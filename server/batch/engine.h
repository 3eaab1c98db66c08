// What the batching queue runs its batches on.
#pragma once

#include <span>

#include "kernels/core/cancel.h"
#include "server/batch/batch.h"

namespace adze::server {

class Engine {
 public:
  virtual ~Engine() = default;
  // Runs all parts as one batch and fills their rows of their jobs' outputs; the parts of one job come in ascending
  // order. An error concerns the whole batch. Called from one thread.
  virtual Result<void> run(std::span<const Part> parts, const CancelFlag& cancel) = 0;
};

}  // namespace adze::server
