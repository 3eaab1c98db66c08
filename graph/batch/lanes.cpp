#include "graph/batch/lanes.h"

#include <algorithm>
#include <numeric>

namespace adze {
std::vector<bool> axes_from(int axis, int rank) {
  std::vector<bool> set(static_cast<std::size_t>(rank));
  std::fill(set.begin() + axis, set.end(), true);
  return set;
}

LaneNames lanes_from_left(int rank) {
  LaneNames names(static_cast<std::size_t>(rank));
  std::iota(names.begin(), names.end(), 0);
  return names;
}

LaneNames lanes_from_right(int rank) {
  LaneNames names(static_cast<std::size_t>(rank));
  std::iota(names.rbegin(), names.rend(), 0);
  return names;
}

LaneNames single_lane(int rank, int axis) {
  LaneNames names(static_cast<std::size_t>(rank), kMixed);
  if (axis < rank) names[static_cast<std::size_t>(axis)] = 0;
  return names;
}

Result<Lanes> lanes_reshaped(const InferContext&) {
  Lanes lanes;
  lanes.reshapes = true;
  return lanes;
}

Lanes lanes_except(const InferContext& context, const std::vector<bool>& mixed, int inputs) {
  LaneNames names = lanes_from_left(static_cast<int>(mixed.size()));
  for (std::size_t axis = 0; axis < mixed.size(); axis++) {
    if (mixed[axis]) names[axis] = kMixed;
  }
  Lanes lanes;
  lanes.inputs.assign(static_cast<std::size_t>(inputs), names);
  lanes.outputs.assign(context.outputs().size(), names);
  return lanes;
}

Lanes lanes_except(const InferContext& context, int mixed, int inputs) {
  std::vector<bool> axes(static_cast<std::size_t>(context.shape(0).rank()));
  axes[static_cast<std::size_t>(mixed)] = true;
  return lanes_except(context, axes, inputs);
}

Lanes lanes_reduced(const InferContext& context, LaneNames names, const std::vector<bool>& gone) {
  LaneNames kept;
  for (std::size_t axis = 0; axis < names.size(); axis++) {
    if (!gone[axis]) kept.push_back(names[axis]);
  }
  Lanes lanes;
  lanes.inputs = {std::move(names)};
  lanes.outputs.assign(context.outputs().size(), kept);
  return lanes;
}

Lanes first_axis_lane(const InferContext& context, std::span<const int> inputs) {
  Lanes lanes;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  for (const int i : inputs) {
    if (context.has(i)) lanes.inputs[static_cast<std::size_t>(i)] = single_lane(context.shape(i).rank(), 0);
  }
  for (const TensorInfo& output : context.outputs()) lanes.outputs.push_back(single_lane(output.shape.rank(), 0));
  return lanes;
}

}  // namespace adze
