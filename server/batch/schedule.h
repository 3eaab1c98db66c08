// What the batching queue decides: which jobs are taken, which run together, and when. No threads and no clock: every
// call is told the time, so a test can drive it through any order of events. BatchQueue is the threads around it.
//
// A full batch runs at once. With an engine that is idle, whatever waits runs at once too, unless more is known to be
// on its way: then the batch waits until a preferred size is there, or until the oldest job has waited max_delay, or
// until the earliest deadline leaves no more time than a run will take. New arrivals never postpone a flush.
//
// Higher priorities go first, and jobs of one priority in the order of their arrival, except that a batch has one shape
// of rows. No priority starves: a line with a job that can't wait for another batch goes before all others.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "server/batch/batch.h"
#include "server/batch/options.h"
#include "server/batch/run_times.h"
#include "server/batch/waiting.h"

namespace adze::server {

struct Refusal {
  std::string reason;
  std::chrono::seconds retry_after;  // when there should be room
};

class Schedule {
 public:
  using Time = Clock::time_point;

  explicit Schedule(const QueueOptions& options)
      : options_(options), waiting_(std::max<std::size_t>(1, options.priorities)) {}

  // Takes the job, or says why not. Each job that is taken comes back once: from next() because it is late, or from
  // finish(); never after cancel(). REQUIRES: 1 <= rows <= max_request_rows.
  std::optional<Refusal> submit(const JobPtr& job, Time now);
  // The job's result is no longer wanted. True: the running batch has no other member, and should stop.
  bool cancel(const JobPtr& job);
  // How many requests have begun to arrive: while there are any, waiting for them may pay.
  void set_coming(std::size_t count) { coming_ = count; }
  // Takes no more jobs, and no longer waits for company.
  void drain() { draining_ = true; }

  struct Next {
    Batch batch;               // to run now, if it has parts
    std::vector<JobPtr> late;  // out of the queue, with their error
    Time wake = Time::max();   // without a batch: when to ask again, if nothing happens before
  };
  // What an idle engine should do. REQUIRES: the last batch was finished.
  Next next(Time now);
  // The batch that next() gave has run, with batch.result. Returns the jobs that it completed.
  std::vector<JobPtr> finish(const Batch& batch, Time now);

  bool running() const { return running_; }
  bool draining() const { return draining_; }
  const Waiting& waiting() const { return waiting_; }

 private:
  using Duration = RunTimes::Duration;
  using Estimate = Duration (RunTimes::*)(std::int64_t) const;

  std::size_t level_of(const Job& job) const;
  std::int64_t largest_run(std::int64_t rows) const { return std::min(rows, options_.max_batch); }
  Duration time_of(std::int64_t rows, Estimate estimate) const;
  Duration backlog(std::int64_t rows, Estimate estimate, Time now) const;
  bool comes_too_late(const Job& job, std::size_t level, Time now) const;
  bool hopeless(const Job& job, Time now) const;
  Refusal refusal(std::string reason, Time now) const;
  std::vector<JobPtr> drop_late(Time now);
  Time flush_time() const;
  std::int64_t room() const;
  bool cannot_wait(const Job& job, std::int64_t rows, Time now) const;
  Batch take(Time now);
  void gather(std::size_t level, std::int64_t room, Time now, Batch& batch);

  const QueueOptions options_;
  Waiting waiting_;
  RunTimes run_times_;
  std::size_t coming_ = 0;
  bool draining_ = false, running_ = false;
  Time running_since_{};
  std::int64_t running_rows_ = 0;
  std::size_t wanted_ = 0;  // members of the running batch that are not cancelled
};

}  // namespace adze::server
