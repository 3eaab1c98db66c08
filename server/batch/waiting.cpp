#include "server/batch/waiting.h"

#include <algorithm>
#include <numeric>

namespace adze::server {

void Waiting::add(const JobPtr& job, std::size_t level) {
  Job::Queued& queued = job->queued;
  queued.level = level;
  queued.waiting = true;
  lines_[level].push_back(job);
  queued.place = std::prev(lines_[level].end());
  deadlines_.push(*job);
  count_++;
  bytes_ += queued.bytes;
  rows_[level] += job->rows;
}

void Waiting::take(Job& job, std::int64_t rows) {
  job.queued.taken += rows;
  rows_[job.queued.level] -= rows;
  if (job.queued.taken == job.rows) remove(job);
}

void Waiting::remove(Job& job) {
  Job::Queued& queued = job.queued;
  rows_[queued.level] -= job.rows - queued.taken;
  bytes_ -= queued.bytes;
  count_--;
  queued.waiting = false;
  deadlines_.remove(job);
  lines_[queued.level].erase(queued.place);
}

std::int64_t Waiting::rows_before(std::size_t levels) const {
  return std::accumulate(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(levels), std::int64_t{0});
}

Clock::time_point Waiting::oldest() const {
  auto oldest = Clock::time_point::max();
  for (const auto& line : lines_) {
    if (!line.empty()) oldest = std::min(oldest, line.front()->enqueued);
  }
  return oldest;
}

}  // namespace adze::server
