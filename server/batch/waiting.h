// The jobs that wait for a run: a line per priority, first come first served, and the earliest deadline of all.
// Adding, removing and every question take constant time, but for the deadlines' logarithm.
#pragma once

#include <list>
#include <span>

#include "server/batch/deadline_heap.h"
#include "server/batch/job.h"

namespace adze::server {

class Waiting {
 public:
  explicit Waiting(std::size_t levels) : lines_(levels), rows_(levels) {}

  // REQUIRES: queued.bytes is set.
  void add(const JobPtr& job, std::size_t level);
  // A batch takes the next of the job's rows; with the last the job leaves.
  void take(Job& job, std::int64_t rows);
  // REQUIRES: the job waits. The caller holds another reference to it.
  void remove(Job& job);

  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }
  std::int64_t rows() const { return rows_before(lines_.size()); }
  // Rows of the first levels.
  std::int64_t rows_before(std::size_t levels) const;

  std::size_t levels() const { return lines_.size(); }
  // In the order of their arrival.
  std::list<JobPtr>& line(std::size_t level) { return lines_[level]; }
  // REQUIRES: !empty()
  const JobPtr& most_urgent() const { return *deadlines_.first().queued.place; }
  Clock::time_point oldest() const;

 private:
  std::vector<std::list<JobPtr>> lines_;
  std::vector<std::int64_t> rows_;  // by level
  DeadlineHeap<Job> deadlines_;
  std::size_t count_ = 0, bytes_ = 0;
};

}  // namespace adze::server
