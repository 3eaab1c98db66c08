// What the engine runs at once: whole jobs, or some rows of one that is too large for a batch.
#pragma once

#include "server/batch/job.h"

namespace adze::server {

struct Part {
  explicit Part(JobPtr whole) : job(std::move(whole)), rows(job->rows) {}
  Part(JobPtr of, std::int64_t from, std::int64_t count) : job(std::move(of)), first(from), rows(count) {}

  JobPtr job;
  std::int64_t first = 0, rows;
};

struct Batch {
  std::vector<Part> parts;  // one shape of rows; none: nothing was run
  std::int64_t rows = 0;
  Clock::time_point begun;
  Result<void> result;
};

}  // namespace adze::server
