#include "graph/broadcast.h"

#include <algorithm>

namespace adze {

BroadcastLoop::BroadcastLoop(const Shape& result, std::span<const Shape> operands) : elements_(result.elements()) {
  std::array<std::array<std::int64_t, kMaxRank>, kMaxOperands> full{};
  for (std::size_t i = 0; i < operands.size(); i++) {
    const auto own = operands[i].strides();
    const int shift = result.rank() - operands[i].rank();
    for (int axis = 0; axis < operands[i].rank(); axis++) {
      full[i][static_cast<std::size_t>(axis + shift)] =
          operands[i][axis] == 1 ? 0 : own[static_cast<std::size_t>(axis)];
    }
  }
  for (int axis = 0; axis < result.rank(); axis++) {
    if (result[axis] == 1) continue;
    const auto a = static_cast<std::size_t>(axis);
    bool merge = !dims_.empty();
    for (std::size_t i = 0; i < operands.size() && merge; i++) {
      merge = strides_[i].back() == full[i][a] * result[axis];
    }
    if (merge) {
      dims_.back() *= result[axis];
    } else {
      dims_.push_back(result[axis]);
    }
    for (std::size_t i = 0; i < kMaxOperands; i++) {
      if (merge) {
        strides_[i].back() = full[i][a];
      } else {
        strides_[i].push_back(full[i][a]);
      }
    }
  }
  if (dims_.empty()) {
    dims_.push_back(1);
    for (auto& strides : strides_) strides.push_back(0);
  }
}

std::array<std::int64_t, kMaxOperands> BroadcastLoop::offsets(std::int64_t row, std::int64_t column) const {
  std::array<std::int64_t, kMaxOperands> result{};
  for (std::size_t i = 0; i < kMaxOperands; i++) result[i] = column * strides_[i].back();
  for (std::size_t axis = dims_.size() - 1; axis-- > 0;) {
    const std::int64_t index = row % dims_[axis];
    row /= dims_[axis];
    for (std::size_t i = 0; i < kMaxOperands; i++) result[i] += index * strides_[i][axis];
  }
  return result;
}

std::optional<Shape> legacy_broadcast(const Shape& onto, const Shape& operand, std::optional<std::int64_t> axis) {
  const auto first =
      axis ? normalise_axis(*axis, std::max(onto.rank(), 1)) : std::optional(onto.rank() - operand.rank());
  if (!first || *first < 0 || *first + operand.rank() > onto.rank()) return std::nullopt;
  Shape result;
  for (int i = 0; i < *first; i++) result.push_back(1);
  for (const std::int64_t dim : operand) result.push_back(dim);
  while (result.rank() < onto.rank()) result.push_back(1);
  return result;
}

}  // namespace adze
