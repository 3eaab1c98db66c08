// Memory on which one node can run by itself, as often as wanted.
#pragma once

#include <vector>

#include "graph/op.h"
#include "runtime/arena.h"

namespace adze {

class TrialBuffers {
 public:
  // For steps that read what `step` reads and need no more scratch. Inputs hold small numbers, constant ones what they
  // hold. Error resource_limit beyond `max_bytes`.
  static Result<TrialBuffers> create(const Step& step, std::span<const TensorInfo* const> inputs,
                                     std::span<const TensorInfo> outputs, int threads, std::size_t max_bytes);

  std::size_t bytes() const { return memory_.bytes(); }
  const std::byte* const* inputs() const { return inputs_.data(); }
  std::byte* const* outputs() const { return outputs_.data(); }
  std::byte* scratch(int part) const { return scratch_ + scratch_bytes_ * static_cast<std::size_t>(part); }
  // What other steps of a plan have just touched when this one's turn comes.
  std::span<const std::span<const std::byte>> touched() const { return touched_; }

 private:
  Mapping memory_;
  std::vector<const std::byte*> inputs_;  // null where left out or unread
  std::vector<std::byte*> outputs_;
  std::vector<std::span<const std::byte>> touched_;
  std::byte* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0;  // of each thread
};

}  // namespace adze
