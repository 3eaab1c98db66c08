// What the batching queue runs its batches on.
#pragma once

#include <span>

#include "kernels/core/cancel.h"
#include "server/batch/job.h"

namespace adze::server {

class Engine {
 public:
  virtual ~Engine() = default;
  // Runs all jobs as one batch and fills their outputs. An error concerns the whole batch. Called from one thread.
  virtual Result<void> run(std::span<const JobPtr> jobs, const CancelFlag& cancel) = 0;
};

}  // namespace adze::server
