#include "server/metrics.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace adze::server {
namespace {

std::vector<double> latency_bounds() {
  // Doubling from 62.5 us; the last edge is the default deadline.
  std::vector<double> bounds;
  for (double bound = 62.5e-6; bound < 0.3; bound *= 2) bounds.push_back(bound);
  bounds.push_back(0.5);
  return bounds;
}

std::vector<double> doubling_bounds(double last) {
  std::vector<double> bounds;
  for (double bound = 1; bound <= last; bound *= 2) bounds.push_back(bound);
  return bounds;
}

std::string number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto bucket =
      static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_micro_.fetch_add(static_cast<std::uint64_t>(value * 1e6), std::memory_order_relaxed);
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts_.size(); i++) {
    total += counts_[i].load(std::memory_order_relaxed);
    out.append(name).append("_bucket{").append(labels).append(labels.empty() ? "" : ",").append("le=\"");
    out.append(i < bounds_.size() ? number(bounds_[i]) : "+Inf")
        .append("\"} ")
        .append(std::to_string(total))
        .append("\n");
  }
  const double sum = static_cast<double>(sum_micro_.load(std::memory_order_relaxed)) / 1e6;
  out.append(name).append("_sum{").append(labels).append("} ").append(number(sum)).append("\n");
  out.append(name).append("_count{").append(labels).append("} ").append(std::to_string(total)).append("\n");
}

ModelMetrics::ModelMetrics()
    : latency(latency_bounds()),
      queue_time(latency_bounds()),
      compute(latency_bounds()),
      write(latency_bounds()),
      batch_size(doubling_bounds(512)),
      queue_depth(doubling_bounds(4096)) {}

void ModelMetrics::count(int status, double seconds) {
  auto found = std::ranges::find(kCountedStatuses, status);
  if (found == kCountedStatuses.end()) found = std::ranges::find(kCountedStatuses, 500);
  requests[static_cast<std::size_t>(found - kCountedStatuses.begin())].fetch_add(1, std::memory_order_relaxed);
  latency.observe(seconds);
}

void ModelMetrics::count_run(std::int64_t rows_run, const RunNanoseconds& took) {
  batches.fetch_add(1, std::memory_order_relaxed);
  rows.fetch_add(static_cast<std::uint64_t>(rows_run), std::memory_order_relaxed);
  batch_size.observe(static_cast<double>(rows_run));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  last_inference_ms.store(static_cast<std::uint64_t>(now / std::chrono::milliseconds(1)), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  BatchStatistics& statistics = batch_statistics_[rows_run];
  statistics.count++;
  statistics.took.input += took.input;
  statistics.took.infer += took.infer;
  statistics.took.output += took.output;
}

std::map<std::int64_t, ModelMetrics::BatchStatistics> ModelMetrics::batch_statistics() const {
  const std::lock_guard lock(mutex_);
  return batch_statistics_;
}

}  // namespace adze::server
