// What the service counts of its requests, as they pass.
#include "server/service.h"

namespace adze::server {
namespace {

using Seconds = std::chrono::duration<double>;

std::uint64_t nanoseconds(Clock::duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(std::chrono::nanoseconds(duration).count(), 0));
}

void add(Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

// A batch that failed has no times, and counts for nothing but the answers that it gets.
void Service::count_batch(std::span<const JobPtr> jobs, const Batch& batch, ServedModel& model) {
  ModelMetrics& metrics = model.metrics();
  metrics.queue_depth.observe(static_cast<double>(model.queue().waiting()));
  if (batch.parts.empty() || !batch.result) return;
  const Job::Times& times = batch.parts[0].job->times;
  const RunNanoseconds took{nanoseconds(times.running - times.gathering), nanoseconds(times.scattering - times.running),
                            nanoseconds(times.done - times.scattering)};
  for (const JobPtr& job : jobs) {
    if (!job->result) continue;
    const auto waited = job->started - job->enqueued;
    metrics.queue_time.observe(Seconds(waited).count());
    metrics.queue.add(nanoseconds(waited));
  }
  metrics.compute_input.add(took.input, jobs.size());
  metrics.compute_infer.add(took.infer, jobs.size());
  metrics.compute_output.add(took.output, jobs.size());
  metrics.compute.observe(Seconds(times.done - times.gathering).count());
  metrics.count_run(batch.rows, took);
}

void Service::count_answer(const Pending& pending, int status) {
  if (pending.logged) log(pending, status);
  if (!pending.model) return;
  ModelMetrics& metrics = pending.model->metrics();
  const auto now = Clock::now();
  metrics.count(status, Seconds(now - pending.begun).count());
  (status == 200 ? metrics.success : metrics.fail).add(nanoseconds(now - pending.begun));
  if (status == 200) {
    metrics.write.observe(Seconds(now - pending.request.job->times.done).count());
    return;
  }
  add(metrics.failures[static_cast<std::size_t>(pending.why)]);
}

Place Service::place_of(const Pending& pending) {
  if (!pending.request.job) return Place::decode;
  switch (pending.request.job->stage.load(std::memory_order_relaxed)) {
    case Job::Stage::waiting:
      return Place::queue;
    case Job::Stage::running:
      return Place::exec;
    case Job::Stage::done:
      break;
  }
  return Place::write;
}

void Service::count_cancelled(const Pending& pending) {
  if (!pending.model) return;
  ModelMetrics& metrics = pending.model->metrics();
  add(metrics.cancelled[static_cast<std::size_t>(place_of(pending))]);
  add(metrics.failures[static_cast<std::size_t>(Failure::canceled)]);
  metrics.fail.add(nanoseconds(Clock::now() - pending.begun));
  if (pending.logged) log(pending, 0);
}

void Service::count_deadline(const Pending& pending) {
  add(pending.model->metrics().deadlines[static_cast<std::size_t>(place_of(pending))]);
}

// The id is the body's, or else the head's.
void Service::log(const Pending& pending, int status) const {
  RequestLine line;
  line.status = status;
  if (pending.model) {
    line.model = pending.model->name();
    line.version = pending.model->version();
  }
  line.id = pending.logged->request_id;
  if (pending.request.has_id) line.id = pending.request.id;
  line.traceparent = pending.logged->traceparent;
  line.error = pending.logged->error;
  line.bytes_in = pending.logged->bytes_in;
  line.bytes_out = pending.logged->bytes_out;
  const auto micros = [](Clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  };
  line.total_us = micros(Clock::now() - pending.begun);
  if (pending.request.job) {
    const Job& job = *pending.request.job;
    line.rows = job.rows;
    if (status == 200) {
      line.queue_us = micros(job.started - job.enqueued);
      line.compute_us = micros(job.times.done - job.started);
    }
  }
  options_.log->write(line);
}

}  // namespace adze::server
