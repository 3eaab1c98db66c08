#include "server/metrics.h"

#include <algorithm>
#include <charconv>

namespace adze::server {
namespace {

std::vector<double> latency_bounds() {
  // Doubling from 62.5 us; the last edge is the default deadline.
  std::vector<double> bounds;
  for (double bound = 62.5e-6; bound < 0.3; bound *= 2) bounds.push_back(bound);
  bounds.push_back(0.5);
  return bounds;
}

std::vector<double> batch_bounds() {
  std::vector<double> bounds;
  for (double bound = 1; bound <= 512; bound *= 2) bounds.push_back(bound);
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

ModelMetrics::ModelMetrics() : latency(latency_bounds()), queue_time(latency_bounds()), batch_size(batch_bounds()) {}

void ModelMetrics::count(int status, double seconds) {
  auto found = std::ranges::find(kCountedStatuses, status);
  if (found == kCountedStatuses.end()) found = std::ranges::find(kCountedStatuses, 500);
  requests[static_cast<std::size_t>(found - kCountedStatuses.begin())].fetch_add(1, std::memory_order_relaxed);
  latency.observe(seconds);
}

}  // namespace adze::server
