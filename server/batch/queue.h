// The batching queue of one model: requests go in from any thread, an engine thread takes them out as batches.
//
// A full batch runs at once. With an engine that is idle, whatever waits runs at once too, unless more is known to be
// on its way: then the batch waits until it is full, or until the oldest request has waited max_delay, or until the
// earliest deadline leaves no more time than the last batch took. New arrivals never postpone a flush.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "server/batch/engine.h"

namespace adze::server {

struct QueueOptions {
  std::int64_t max_batch = 64;  // rows
  std::chrono::microseconds max_delay{200};
  std::size_t limit = 1024;  // requests that wait
};

class BatchQueue {
 public:
  // `done` receives all jobs of a batch on the engine thread, cancelled ones included; it must not block.
  using Done = std::function<void(std::span<const JobPtr>)>;

  BatchQueue(const QueueOptions& options, Engine& engine, Done done);
  ~BatchQueue();  // drains first

  // False when the queue is full or draining: the job was not taken.
  bool submit(JobPtr job);
  // The job's result is no longer wanted. It leaves the queue unseen, or its batch stops when no member is left.
  void cancel(const JobPtr& job);
  // How many requests have begun to arrive: while there are any, waiting for them may pay.
  void set_coming(std::size_t count);

  // Takes no more jobs; runs what was accepted without waiting for company.
  void drain();
  std::size_t waiting() const;

 private:
  void loop();
  bool ready(Clock::time_point now, Clock::time_point& until) const;
  std::vector<JobPtr> take();

  const QueueOptions options_;
  Engine& engine_;
  const Done done_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<JobPtr> jobs_;
  std::int64_t rows_ = 0;
  std::size_t coming_ = 0;
  bool draining_ = false, idle_ = false;
  std::uint64_t batch_ = 0;
  std::size_t live_ = 0;  // members of the running batch that are still wanted
  CancelFlag cancel_;
  Clock::duration last_run_{};
  std::thread thread_;
};

}  // namespace adze::server
