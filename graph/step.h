// Step: what is left of a node once it is prepared. A function, its arguments, and how the planner may place its
// buffers. The run loop calls it on every thread at once; each takes its slice of the output.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "kernels/core/cancel.h"
#include "kernels/core/slice.h"

namespace adze {

// Where a step says that its input's values are outside what the operator allows. The first message stays.
class StepFailure {
 public:
  // `message` has static storage.
  void set(const char* message) noexcept {
    const char* none = nullptr;
    message_.compare_exchange_strong(none, message, std::memory_order_relaxed);
  }
  const char* message() const noexcept { return message_.load(std::memory_order_relaxed); }
  void reset() noexcept { message_.store(nullptr, std::memory_order_relaxed); }

 private:
  std::atomic<const char*> message_{nullptr};
};

struct Call {
  const std::byte* const* inputs;  // in the order of Node::inputs; null where left out or unread
  std::byte* const* outputs;
  std::byte* scratch;  // this thread's, Step::scratch_bytes, aligned to 64; its content is undefined
  Slice slice;
  const CancelFlag& cancel;
  StepFailure& failure;

  template <class T = float>
  const T* in(int i = 0) const {
    return reinterpret_cast<const T*>(inputs[i]);
  }
  template <class T = float>
  T* out(int i = 0) const {
    return reinterpret_cast<T*>(outputs[i]);
  }
};

struct Step {
  using Function = void (*)(const void* args, const Call& call);

  Function run = nullptr;
  std::shared_ptr<const void> args;
  std::string kernel;             // "gemm_f32/avx512 6x64", for inspect and the profile
  int max_parts = 1;              // more threads than this find nothing to do
  std::size_t scratch_bytes = 0;  // per thread
  bool view = false;              // no work: output 0 is input 0's bytes under another shape; run is null
  std::uint32_t unread = 0;       // bit i: run doesn't read input i (packed or used up while preparing)
  // Bit i: output 0 may lie on input i's bytes, because each element of it is written after the same thread last
  // read that element.
  std::uint32_t in_place = 0;
  double flops = 0;  // multiplications and additions
};

// make_step<&run>(args): a step that calls run(const Args&, const Call&).
template <auto Run, class Args>
Step make_step(Args args, std::string kernel = {}) {
  Step step;
  step.run = [](const void* erased, const Call& call) { Run(*static_cast<const Args*>(erased), call); };
  step.args = std::make_shared<const Args>(std::move(args));
  step.kernel = std::move(kernel);
  return step;
}

inline Step view_step() {
  Step step;
  step.view = true;
  step.kernel = "view";
  return step;
}

}  // namespace adze
