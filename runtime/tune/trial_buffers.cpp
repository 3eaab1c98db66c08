#include "runtime/tune/trial_buffers.h"

#include <algorithm>

#include "graph/plan/liveness.h"

namespace adze {
namespace {

// Small numbers of both signs, by a linear congruence: no kernel meets a denormal or an overflow.
void fill(float* values, std::size_t count) {
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-31f;
  }
}

bool is_read(const Step& step, std::span<const TensorInfo* const> inputs, std::size_t i) {
  return inputs[i] && !(i < 32 && (step.unread >> i & 1));
}

}  // namespace

Result<TrialBuffers> TrialBuffers::create(const Step& step, std::span<const TensorInfo* const> inputs,
                                          std::span<const TensorInfo> outputs, int threads, std::size_t max_bytes) {
  TrialBuffers made;
  made.scratch_bytes_ = aligned(step.scratch_bytes);
  std::size_t bytes = made.scratch_bytes_ * static_cast<std::size_t>(threads);
  for (std::size_t i = 0; i < inputs.size(); i++) bytes += is_read(step, inputs, i) ? aligned(inputs[i]->bytes()) : 0;
  for (const TensorInfo& info : outputs) bytes += aligned(info.bytes());
  if (bytes > max_bytes) return make_error(Code::resource_limit, "no room for ", bytes, " bytes");
  ADZE_TRY(made.memory_, Mapping::create(bytes));
  std::byte* top = made.memory_.data();
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!is_read(step, inputs, i)) {
      made.inputs_.push_back(nullptr);
      continue;
    }
    made.inputs_.push_back(top);
    if (const Tensor* value = inputs[i]->value) {
      const Tensor held = value->released();
      std::copy_n(held.raw(), held.bytes(), top);
      ADZE_CHECK(held.status());
    } else {
      fill(reinterpret_cast<float*>(top), inputs[i]->bytes() / sizeof(float));
      made.touched_.emplace_back(top, inputs[i]->bytes());
    }
    top += aligned(inputs[i]->bytes());
  }
  for (const TensorInfo& info : outputs) {
    made.outputs_.push_back(top);
    made.touched_.emplace_back(top, info.bytes());
    top += aligned(info.bytes());
  }
  made.scratch_ = top;
  return made;
}

}  // namespace adze
