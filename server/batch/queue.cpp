#include "server/batch/queue.h"

namespace adze::server {

BatchQueue::BatchQueue(const QueueOptions& options, Engine& engine, Done done)
    : engine_(engine), done_(std::move(done)), schedule_(options), thread_([this] { loop(); }) {}

BatchQueue::~BatchQueue() {
  drain();
  thread_.join();
}

void BatchQueue::submit(std::span<const JobPtr> jobs,
                        const std::function<void(const JobPtr&, const Refusal&)>& refused) {
  std::vector<std::pair<JobPtr, Refusal>> refusals;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    for (const JobPtr& job : jobs) {
      if (auto refusal = schedule_.submit(job, now)) refusals.emplace_back(job, *std::move(refusal));
    }
    wake = asleep_ && refusals.size() < jobs.size();
  }
  if (wake) wake_.notify_one();
  for (const auto& [job, refusal] : refusals) refused(job, refusal);
}

void BatchQueue::cancel(const JobPtr& job) {
  const std::lock_guard lock(mutex_);
  if (schedule_.cancel(job)) cancel_.request();
}

void BatchQueue::set_coming(std::size_t count) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = count == 0 && coming_ != 0 && asleep_ && !schedule_.waiting().empty();
    coming_ = count;
    schedule_.set_coming(count);
  }
  if (wake) wake_.notify_one();
}

void BatchQueue::drain() {
  {
    const std::lock_guard lock(mutex_);
    schedule_.drain();
  }
  wake_.notify_one();
}

std::size_t BatchQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return schedule_.waiting().count();
}

void BatchQueue::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    Schedule::Next next = schedule_.next(Clock::now());
    if (!next.late.empty()) {
      lock.unlock();
      done_(next.late, Batch());
      lock.lock();
    }
    if (!next.batch.parts.empty()) {
      run(lock, std::move(next.batch));
    } else if (next.late.empty()) {  // else the time and the queue are others by now
      if (schedule_.draining() && schedule_.waiting().empty()) return;
      asleep_ = true;
      if (next.wake == Schedule::Time::max()) {
        wake_.wait(lock);
      } else {
        wake_.wait_until(lock, next.wake);
      }
      asleep_ = false;
    }
  }
}

void BatchQueue::run(std::unique_lock<std::mutex>& lock, Batch batch) {
  lock.unlock();
  batch.result = engine_.run(batch.parts, cancel_);
  lock.lock();
  const std::vector<JobPtr> done = schedule_.finish(batch, Clock::now());
  cancel_.reset();
  lock.unlock();
  done_(done, batch);
  lock.lock();
}

}  // namespace adze::server
