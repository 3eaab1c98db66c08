#include "server/batch/schedule.h"

#include <algorithm>

namespace adze::server {
namespace {

// What waking the engine and writing the answer may take.
constexpr auto kMargin = std::chrono::milliseconds(1);

}  // namespace

std::size_t Schedule::level_of(const Job& job) const {
  if (job.priority >= 1 && job.priority <= waiting_.levels()) return job.priority - 1;
  return options_.default_level() - 1;
}

// How long it takes to run this many rows.
Schedule::Duration Schedule::time_of(std::int64_t rows, Estimate estimate) const {
  const std::int64_t full = rows / options_.max_batch, rest = rows % options_.max_batch;
  Duration time{};
  if (full) time += full * (run_times_.*estimate)(options_.max_batch);
  if (rest) time += (run_times_.*estimate)(rest);
  return time;
}

// The same from now on, behind what is running.
Schedule::Duration Schedule::backlog(std::int64_t rows, Estimate estimate, Time now) const {
  Duration time = time_of(rows, estimate);
  if (running_) {
    const Time ends = running_since_ + (run_times_.*estimate)(running_rows_);
    time += std::max<Duration>(Duration(0), ends - now);
  }
  return time;
}

// Whether what is ahead of the job leaves it no time. A job that wouldn't make it alone is let in: refusing it gives
// nobody else time, and the estimate may be wrong.
bool Schedule::comes_too_late(const Job& job, std::size_t level, Time now) const {
  if (!running_ && waiting_.empty()) return false;
  if (now + time_of(job.rows, &RunTimes::least) > job.deadline) return false;
  return now + backlog(waiting_.rows_before(level + 1) + job.rows, &RunTimes::least, now) > job.deadline;
}

Refusal Schedule::refusal(std::string reason, Time now) const {
  const auto wait = std::chrono::ceil<std::chrono::seconds>(backlog(waiting_.rows(), &RunTimes::mean, now));
  return {std::move(reason), std::max(wait, std::chrono::seconds(1))};
}

std::optional<Refusal> Schedule::submit(const JobPtr& job, Time now) {
  ADZE_ASSERT(job->rows >= 1 && !job->queued.waiting);
  if (draining_) return refusal("the server is shutting down", now);
  if (waiting_.count() >= options_.queue_limit) {
    return refusal(concat("the queue is full: ", options_.queue_limit, " requests wait"), now);
  }
  std::size_t& bytes = job->queued.bytes = 0;
  for (const auto& input : job->inputs) bytes += input.size();
  // With nothing else there, any request may wait, or a large one would never be served.
  if (!waiting_.empty() && waiting_.bytes() + bytes > options_.queue_bytes) {
    return refusal(concat("the queue is full: ", waiting_.bytes(), " bytes of requests wait"), now);
  }
  const std::size_t level = level_of(*job);
  if (comes_too_late(*job, level, now)) return refusal("the requests ahead leave no time before the deadline", now);
  job->enqueued = now;
  waiting_.add(job, level);
  return std::nullopt;
}

bool Schedule::cancel(const JobPtr& job) {
  Job::Queued& queued = job->queued;
  if (queued.cancelled) return false;
  queued.cancelled = true;
  if (queued.waiting) waiting_.remove(*job);
  return queued.running && --wanted_ == 0;
}

// No time is left, or others' time would be lost on a run that ends too late. Alone it may try: the estimate may be
// wrong, and only a run can put it right.
bool Schedule::hopeless(const Job& job, Time now) const {
  if (job.deadline <= now) return true;
  const Duration least = time_of(job.rows - job.queued.taken, &RunTimes::least);
  return waiting_.count() > 1 && now + least > job.deadline && job.enqueued + least <= job.deadline;
}

std::vector<JobPtr> Schedule::drop_late(Time now) {
  std::vector<JobPtr> late;
  while (!waiting_.empty() && hopeless(*waiting_.most_urgent(), now)) {
    const JobPtr job = waiting_.most_urgent();
    waiting_.remove(*job);
    job->expired = true;
    job->result = make_error(Code::resource_limit, "the deadline left no time to run");
    late.push_back(job);
  }
  return late;
}

Schedule::Time Schedule::flush_time() const {
  const std::int64_t rows = waiting_.rows();
  const std::int64_t enough = options_.preferred.empty() ? options_.max_batch : options_.preferred.front();
  if (draining_ || coming_ == 0 || rows >= std::min(enough, options_.max_batch)) return Time::min();
  return std::min(waiting_.oldest() + options_.max_delay,
                  waiting_.most_urgent()->deadline - run_times_.most(largest_run(rows)) - kMargin);
}

Schedule::Next Schedule::next(Time now) {
  ADZE_ASSERT(!running_);
  Next next;
  next.late = drop_late(now);
  if (waiting_.empty()) return next;
  next.wake = flush_time();
  if (next.wake <= now) next.batch = take(now);
  return next;
}

// The most rows that the next batch may have: of what waits, as many as make a preferred size.
std::int64_t Schedule::room() const {
  const std::int64_t rows = waiting_.rows();
  std::int64_t room = options_.max_batch;
  for (const std::int64_t size : options_.preferred) {
    if (size <= std::min(rows, options_.max_batch)) room = size;
  }
  return room;
}

bool Schedule::cannot_wait(const Job& job, std::int64_t rows, Time now) const {
  const Duration this_one = run_times_.most(largest_run(rows));
  return now + this_one + run_times_.most(largest_run(job.rows - job.queued.taken)) + kMargin > job.deadline;
}

Batch Schedule::take(Time now) {
  Batch batch;
  batch.begun = now;
  const std::int64_t room = this->room();
  const Job& urgent = *waiting_.most_urgent();
  const std::size_t first = cannot_wait(urgent, waiting_.rows(), now) ? urgent.queued.level : 0;
  gather(first, room, now, batch);
  for (std::size_t level = 0; level < waiting_.levels(); level++) {
    if (level != first) gather(level, room, now, batch);
  }
  running_ = true;
  running_since_ = now;
  running_rows_ = batch.rows;
  wanted_ = batch.parts.size();
  return batch;
}

void Schedule::gather(std::size_t level, std::int64_t room, Time now, Batch& batch) {
  auto& line = waiting_.line(level);
  for (auto it = line.begin(); it != line.end() && batch.rows < room;) {
    const JobPtr job = *it++;
    if (!batch.parts.empty() && job->row_shapes != batch.parts.front().job->row_shapes) continue;
    const std::int64_t first = job->queued.taken, left = job->rows - first;
    const bool splits = job->rows > options_.max_batch;
    // Later ones that would fit don't overtake it.
    if (!splits && !batch.parts.empty() && batch.rows + left > room) return;
    const std::int64_t rows = splits ? std::min(left, room - batch.rows) : left;
    if (first == 0) job->started = now;
    waiting_.take(*job, rows);
    job->queued.running = true;
    batch.parts.emplace_back(job, first, rows);
    batch.rows += rows;
  }
}

std::vector<JobPtr> Schedule::finish(const Batch& batch, Time now) {
  ADZE_ASSERT(running_);
  running_ = false;
  if (batch.result) {
    run_times_.record(batch.rows, now - batch.begun);
  } else if (batch.result.error().code == Code::cancelled) {
    run_times_.called_off(batch.rows, now - batch.begun);
  }
  std::vector<JobPtr> done;
  for (const Part& part : batch.parts) {
    Job& job = *part.job;
    job.queued.running = false;
    if (job.queued.cancelled) continue;
    if (!batch.result) {
      if (job.queued.waiting) waiting_.remove(job);
      job.result = batch.result;
    } else if (job.queued.waiting) {
      continue;  // more of its rows are to run
    }
    done.push_back(part.job);
  }
  return done;
}

}  // namespace adze::server
