// One inference request on its way through the queue.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/core/result.h"
#include "graph/core/shape.h"

namespace adze::server {

using Clock = std::chrono::steady_clock;

struct Job;
using JobPtr = std::shared_ptr<Job>;

// The bytes of one input: the job's own, or a part of the body that the job keeps.
class InputBytes {
 public:
  InputBytes() = default;
  explicit InputBytes(std::size_t size) : own_(size), bytes_(own_) {}
  explicit InputBytes(std::span<const std::byte> part) : bytes_(part) {}
  InputBytes(InputBytes&&) noexcept = default;
  InputBytes& operator=(InputBytes&&) noexcept = default;

  const std::byte* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  // REQUIRES: the bytes are the job's own.
  std::byte* writable() { return own_.data(); }

 private:
  std::vector<std::byte> own_;
  std::span<const std::byte> bytes_;
};

struct Job {
  std::int64_t rows = 1;
  std::vector<InputBytes> inputs;               // by model input: rows, one behind the other
  std::shared_ptr<const void> body;             // what inputs are parts of
  std::vector<Shape> row_shapes;                // by model input: of one row; jobs with others can't share a batch
  std::vector<std::vector<std::byte>> outputs;  // by model output, filled by the engine
  std::vector<Shape> output_shapes;             // of this job's part
  Result<void> result;                          // set before the job is completed

  // What the request asks for, as in the Open Inference Protocol's schedule policy extension.
  std::uint64_t priority = 0;            // 1 is the highest; 0, or one beyond the last: the default
  std::chrono::microseconds timeout{0};  // 0: the server's deadline, which a longer one doesn't extend

  Clock::time_point deadline;           // set before the job is submitted
  Clock::time_point enqueued, started;  // the queue's: when it came, when its first row began to run
  bool expired = false;                 // the result is an error because there was no time left to run

  // The schedule's own.
  struct Queued {
    std::list<JobPtr>::iterator place;
    std::size_t level = 0, bytes = 0;
    std::int64_t taken = 0;  // rows that batches have taken
    bool waiting = false, running = false, cancelled = false;
  } queued;
  std::size_t heap_place = 0;

  // How far it has come, and when; the engine's.
  enum class Stage { waiting, running, done };
  std::atomic<Stage> stage{Stage::waiting};
  struct Times {
    Clock::time_point gathering, running, scattering, done;
  } times;
};

}  // namespace adze::server
