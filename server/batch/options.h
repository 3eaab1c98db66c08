// How a model's requests are batched; docs/serving.md tells what a user should know of each.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace adze::server {

struct QueueOptions {
  std::int64_t max_batch = 64;  // rows
  std::chrono::microseconds max_delay{200};
  std::size_t queue_limit = 4096;                    // requests that wait
  std::size_t queue_bytes = std::size_t{256} << 20;  // of their inputs
  std::int64_t max_request_rows = 4096;              // of one request, which above max_batch takes several runs
  std::vector<std::int64_t> preferred = {};          // sizes of batches, ascending, that run without waiting for more
  std::size_t priorities = 3;                        // levels; 1 is the highest
  std::size_t default_priority = 0;                  // of requests that name none; 0: the middle

  // The level of requests that name none. REQUIRES: priorities > 0
  std::size_t default_level() const {
    return std::min(default_priority ? default_priority : (priorities + 1) / 2, priorities);
  }
};

}  // namespace adze::server
