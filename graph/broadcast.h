// Loops over broadcast operands: axes merged as far as possible, so that the innermost runs over neighbouring elements
// or a single one of each operand.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "graph/core/shape.h"
#include "kernels/core/slice.h"

namespace adze {

constexpr int kMaxOperands = 3;

class BroadcastLoop {
 public:
  // REQUIRES: every operand broadcasts to `result`; at most kMaxOperands.
  BroadcastLoop(const Shape& result, std::span<const Shape> operands);

  std::int64_t elements() const { return elements_; }
  // 0 or 1: how operand i advances along the innermost axis.
  int step(int operand) const { return static_cast<int>(strides_[static_cast<std::size_t>(operand)].back()); }

  // Calls f(first, n, offsets) for every stretch of `elements` of the result along the innermost axis: n elements from
  // `first` on, operand i from offsets[i] on with step(i).
  template <class F>
  void for_stretches(Range elements, F f) const {
    const std::int64_t inner = dims_.back();
    for (std::int64_t at = elements.begin; at < elements.end;) {
      const std::int64_t row = at / inner, column = at % inner;
      const std::int64_t n = std::min(inner - column, elements.end - at);
      f(at, n, offsets(row, column));
      at += n;
    }
  }

 private:
  std::array<std::int64_t, kMaxOperands> offsets(std::int64_t row, std::int64_t column) const;

  std::vector<std::int64_t> dims_;  // outermost first, at least one
  std::array<std::vector<std::int64_t>, kMaxOperands> strides_;
  std::int64_t elements_;
};

// `operand` of a legacy broadcast (before opset 7): its axes match those of `onto` from `axis` on, or the last ones.
// Gives the shape with which modern broadcasting does the same; nothing when it doesn't fit.
std::optional<Shape> legacy_broadcast(const Shape& onto, const Shape& operand, std::optional<std::int64_t> axis);

}  // namespace adze
