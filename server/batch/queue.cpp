#include "server/batch/queue.h"

#include <algorithm>

namespace adze::server {

BatchQueue::BatchQueue(const QueueOptions& options, Engine& engine, Done done)
    : options_(options), engine_(engine), done_(std::move(done)), thread_([this] { loop(); }) {}

BatchQueue::~BatchQueue() {
  drain();
  thread_.join();
}

bool BatchQueue::submit(JobPtr job) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (draining_ || jobs_.size() >= options_.limit) return false;
    job->enqueued = Clock::now();
    rows_ += job->rows;
    jobs_.push_back(std::move(job));
    wake = idle_;
  }
  if (wake) wake_.notify_one();
  return true;
}

void BatchQueue::cancel(const JobPtr& job) {
  const std::lock_guard lock(mutex_);
  if (job->cancelled) return;
  job->cancelled = true;
  if (job->batch == 0) {
    const auto found = std::find(jobs_.begin(), jobs_.end(), job);
    if (found != jobs_.end()) {
      rows_ -= job->rows;
      jobs_.erase(found);
    }
  } else if (job->batch == batch_ && live_ > 0 && --live_ == 0) {
    cancel_.request();
  }
}

void BatchQueue::set_coming(std::size_t count) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = count == 0 && coming_ != 0 && idle_;
    coming_ = count;
  }
  if (wake) wake_.notify_one();
}

void BatchQueue::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  wake_.notify_one();
}

std::size_t BatchQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

// Whether the waiting jobs should run now; if not, `until` is when they should at the latest.
bool BatchQueue::ready(Clock::time_point now, Clock::time_point& until) const {
  if (jobs_.empty()) return false;
  if (draining_ || rows_ >= options_.max_batch || coming_ == 0) return true;
  until = jobs_.front()->enqueued + options_.max_delay;
  for (const JobPtr& job : jobs_) until = std::min(until, job->deadline - last_run_ - std::chrono::milliseconds(1));
  return now >= until;
}

// Jobs from the front that fit one batch. Rows of other shapes wait for the next.
std::vector<JobPtr> BatchQueue::take() {
  std::vector<JobPtr> batch;
  std::int64_t rows = 0;
  for (auto it = jobs_.begin(); it != jobs_.end();) {
    const bool fits =
        batch.empty() || (rows + (*it)->rows <= options_.max_batch && (*it)->row_shapes == batch.front()->row_shapes);
    if (!fits) {
      ++it;
      if (rows >= options_.max_batch) break;
      continue;
    }
    rows += (*it)->rows;
    rows_ -= (*it)->rows;
    batch.push_back(std::move(*it));
    it = jobs_.erase(it);
  }
  batch_++;
  for (const JobPtr& job : batch) job->batch = batch_;
  live_ = batch.size();
  cancel_.reset();
  return batch;
}

void BatchQueue::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    Clock::time_point until{};
    while (!ready(Clock::now(), until)) {
      if (jobs_.empty() && draining_) return;
      idle_ = true;
      if (jobs_.empty()) {
        wake_.wait(lock);
      } else {
        wake_.wait_until(lock, until);
      }
      idle_ = false;
    }
    const std::vector<JobPtr> batch = take();
    lock.unlock();
    const auto begin = Clock::now();
    const Result<void> result = engine_.run(batch, cancel_);
    const auto took = Clock::now() - begin;
    for (const JobPtr& job : batch) job->result = result;
    done_(batch);
    lock.lock();
    live_ = 0;
    last_run_ = took;
  }
}

}  // namespace adze::server
