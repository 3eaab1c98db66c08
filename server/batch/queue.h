// The batching queue of one model: requests go in from any thread, an engine thread takes them out as batches. What it
// decides is Schedule's; here are the lock, the thread and the clock.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "server/batch/engine.h"
#include "server/batch/schedule.h"

namespace adze::server {

class BatchQueue {
 public:
  // Receives jobs that a batch completed, or jobs that were too late to run (`batch` is then empty), on the engine's
  // thread; it must not block. A batch that completes none, because all its members were cancelled, is told too.
  using Done = std::function<void(std::span<const JobPtr> jobs, const Batch& batch)>;

  BatchQueue(const QueueOptions& options, Engine& engine, Done done);
  ~BatchQueue();  // drains first

  // Takes jobs that belong together at once, so that the engine finds them all: a batch is not begun between them.
  // Those that can't be taken are told to `refused`. What is taken comes back to Done once, unless it is cancelled.
  void submit(std::span<const JobPtr> jobs, const std::function<void(const JobPtr&, const Refusal&)>& refused);
  // The job's result is no longer wanted. It leaves the queue, or its batch stops when no member is left.
  void cancel(const JobPtr& job);
  // How many requests have begun to arrive: while there are any, waiting for them may pay.
  void set_coming(std::size_t count);

  // Takes no more jobs; runs what was accepted without waiting for company.
  void drain();
  std::size_t waiting() const;

 private:
  void loop();
  void run(std::unique_lock<std::mutex>& lock, Batch batch);

  Engine& engine_;
  const Done done_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Schedule schedule_;
  std::size_t coming_ = 0;
  bool asleep_ = false;
  CancelFlag cancel_;  // of the running batch
  std::thread thread_;
};

}  // namespace adze::server
