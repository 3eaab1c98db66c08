// One inference request on its way through the queue.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/core/result.h"
#include "graph/core/shape.h"

namespace adze::server {

using Clock = std::chrono::steady_clock;

struct Job {
  std::int64_t rows = 1;
  std::vector<std::vector<std::byte>> inputs;   // by model input: rows, one behind the other
  std::vector<Shape> row_shapes;                // by model input: of one row; jobs with others can't share a batch
  std::vector<std::vector<std::byte>> outputs;  // by model output, filled by the engine
  std::vector<Shape> output_shapes;             // of this job's part
  Result<void> result;                          // set before the job is completed

  Clock::time_point enqueued, deadline;
  std::uint64_t batch = 0;  // the queue's: which batch it runs in, 0 while it waits
  bool cancelled = false;   // the queue's, under its lock
};
using JobPtr = std::shared_ptr<Job>;

}  // namespace adze::server
