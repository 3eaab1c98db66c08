// Counters of the server. Updates are relaxed atomics: nothing on the request path waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace adze::server {

using Counter = std::atomic<std::uint64_t>;

// In Prometheus' form: cumulative counts, whose sum is in the values' unit.
class Histogram {
 public:
  // Upper bounds of the buckets, ascending; one for everything above is added.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  void write(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::vector<double> bounds_;
  std::vector<Counter> counts_;
  Counter sum_micro_{0};  // of the values, in millionths
};

// How often something was done, and how long it took in all.
struct Duration {
  Counter count{0}, nanoseconds{0};
  // `times` times as long as `ns`.
  void add(std::uint64_t ns, std::uint64_t times = 1) {
    count.fetch_add(times, std::memory_order_relaxed);
    nanoseconds.fetch_add(ns * times, std::memory_order_relaxed);
  }
};

// Where a request was when its client went away or its deadline passed.
enum class Place { decode, queue, exec, write };
constexpr std::array<std::string_view, 4> kPlaces = {"decode", "queue", "exec", "write"};

// Why a request failed, in Triton's words.
enum class Failure { rejected, canceled, backend, other };
constexpr std::array<std::string_view, 4> kFailures = {"REJECTED", "CANCELED", "BACKEND", "OTHER"};

// Statuses that are counted one by one.
constexpr std::array<int, 8> kCountedStatuses = {200, 400, 404, 406, 413, 415, 500, 503};

// Times of one run, in nanoseconds.
struct RunNanoseconds {
  std::uint64_t input = 0, infer = 0, output = 0;
};

// Of one version of a model; they outlive its being loaded anew.
struct ModelMetrics {
  ModelMetrics();
  void count(int status, double seconds);
  void count_run(std::int64_t rows, const RunNanoseconds& took);

  std::array<Counter, kCountedStatuses.size()> requests{};
  std::array<Counter, kFailures.size()> failures{};
  std::array<Counter, kPlaces.size()> cancelled{}, deadlines{};
  Histogram latency;      // seconds from the request's last byte to its answer
  Histogram queue_time;   // seconds in the queue
  Histogram compute;      // seconds of the run, gathering and scattering included
  Histogram write;        // seconds from the run's end to the answer's being handed to the socket
  Histogram batch_size;   // rows
  Histogram queue_depth;  // requests that wait when a batch is done
  Counter rows{0}, batches{0}, shed{0}, last_inference_ms{0}, load_nanoseconds{0};

  // By request; a batch's times count for each of its members.
  Duration success, fail, queue, compute_input, compute_infer, compute_output;

  struct BatchStatistics {
    std::uint64_t count = 0;
    RunNanoseconds took;
  };
  // By rows.
  std::map<std::int64_t, BatchStatistics> batch_statistics() const;

 private:
  mutable std::mutex mutex_;  // taken once a batch
  std::map<std::int64_t, BatchStatistics> batch_statistics_;
};

struct ConnectionMetrics {
  std::atomic<std::int64_t> open{0}, reading{0}, in_flight{0};
  Counter accepted{0}, refused{0}, framing_errors{0};
};

}  // namespace adze::server
