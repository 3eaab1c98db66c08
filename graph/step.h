// Step: what is left of a node once it is prepared. A function, its arguments, and how the planner may place its
// buffers. The run loop calls it on every thread at once; each takes its slice of the output.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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
  // By input and by output: elements between the rows of one that lies inside another value (Step::pitched); 0 or null
  // where rows follow each other.
  const std::int64_t* in_pitches = nullptr;
  const std::int64_t* out_pitches = nullptr;

  template <class T = float>
  const T* in(int i = 0) const {
    return reinterpret_cast<const T*>(inputs[i]);
  }
  template <class T = float>
  T* out(int i = 0) const {
    return reinterpret_cast<T*>(outputs[i]);
  }
  // Elements between the rows of input i or of output 0, whose own length is `row`.
  std::int64_t pitch(int i, std::int64_t row) const { return in_pitches && in_pitches[i] ? in_pitches[i] : row; }
  std::int64_t out_pitch(std::int64_t row) const { return out_pitches && out_pitches[0] ? out_pitches[0] : row; }
};

// How a step puts its inputs side by side: each of the `rows` rows of output 0 holds a row of input i from byte
// offsets[i] on. With more rows than one, they are those of the last axis. The planner may let an input be written
// there at once; run finds it at its place and leaves it.
struct Join {
  std::int64_t rows = 0;  // 0: the step does nothing of this kind
  std::vector<std::size_t> offsets;
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
  Join join;
  // Bit i: run asks Call::pitch how far apart the rows of input i's last axis are; and of output 0, Call::out_pitch.
  std::uint32_t pitched = 0;
  bool pitched_output = false;
  double flops = 0;  // multiplications and additions
  // Members of PrepareContext::order that it honours.
  struct {
    bool share = false, row_block = false;
  } honours;
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
