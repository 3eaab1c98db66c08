// Counters of the server in Prometheus' text format. Updates are relaxed atomics: nothing on the request path waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adze::server {

class Histogram {
 public:
  // Upper bounds of the buckets, ascending; one for everything above is added.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  void write(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<std::uint64_t> sum_micro_{0};  // of the values, in millionths
};

// Statuses that are counted one by one.
constexpr std::array<int, 8> kCountedStatuses = {200, 400, 404, 406, 413, 415, 500, 503};

struct ModelMetrics {
  ModelMetrics();
  void count(int status, double seconds);

  std::array<std::atomic<std::uint64_t>, kCountedStatuses.size()> requests{};
  Histogram latency;     // seconds from the request's last byte to its answer
  Histogram queue_time;  // seconds in the queue
  Histogram batch_size;  // rows
  std::atomic<std::uint64_t> rows{0}, batches{0}, cancelled{0}, deadlines{0}, rejected{0};
};

struct ConnectionMetrics {
  std::atomic<std::int64_t> open{0}, in_flight{0};
  std::atomic<std::uint64_t> accepted{0}, refused{0}, framing_errors{0};
};

}  // namespace adze::server
