// How long a step takes where it stands in a plan: its input fresh from other threads, its weights as cold as the rest
// of the model leaves them.
#pragma once

#include <memory>

#include "runtime/arena.h"
#include "runtime/thread_pool.h"
#include "runtime/tune/trial_buffers.h"

namespace adze {

class StepTimer {
 public:
  virtual ~StepTimer() = default;
  // Nanoseconds of one run by `parts` threads, those in which they wait for each other included.
  virtual std::int64_t time(const Step& step, int parts, const TrialBuffers& buffers) = 0;
};

// On a pool of threads of its own.
class PoolTimer final : public StepTimer {
 public:
  // `other_bytes`: what the rest of the model reads and writes between two runs of a step. As much is read here.
  static Result<std::unique_ptr<StepTimer>> create(int threads, std::size_t other_bytes);

  std::int64_t time(const Step& step, int parts, const TrialBuffers& buffers) override;

 private:
  PoolTimer(int threads, Mapping other) : pool_(threads), other_(std::move(other)) {}
  void run(int part);

  ThreadPool pool_;
  Mapping other_;
  const Step* step_ = nullptr;
  const TrialBuffers* buffers_ = nullptr;
  int parts_ = 1;
  std::int64_t nanoseconds_ = 0;
};

}  // namespace adze
