// Slice: starts, ends and steps were attributes before version 10 and are inputs since. Out-of-range bounds clamp.
#include <algorithm>
#include <limits>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 10, 11, 13};
constexpr AttrSpec kAttributes[] = {
    {"starts", AttrKind::integers}, {"ends", AttrKind::integers}, {"axes", AttrKind::integers}};
constexpr TypeMask kTypes[] = {kAnyType, kIndices};

struct Cut {
  std::int64_t start = 0, step = 1, count = 0;
};

// The elements of [0, size) that start, end and step select, as NumPy counts them.
Cut cut_of(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto wrap = [&](std::int64_t x) { return x < 0 ? std::max(x, -size - 1) + size : std::min(x, size); };
  if (step > 0) {
    const std::int64_t first = std::clamp<std::int64_t>(wrap(start), 0, size);
    const std::int64_t last = std::clamp<std::int64_t>(wrap(end), 0, size);
    return {first, step, last > first ? (last - first - 1) / step + 1 : 0};
  }
  const std::int64_t first = std::clamp<std::int64_t>(wrap(start), -1, size - 1);
  const std::int64_t last = std::clamp<std::int64_t>(wrap(end), -1, size - 1);
  const std::int64_t distance = first - last;
  // A step of the least integer has no opposite; nothing is longer than 2^62.
  const std::int64_t stride = step < -(std::int64_t{1} << 62) ? std::int64_t{1} << 62 : -step;
  return {first, -stride, distance > 0 ? (distance - 1) / stride + 1 : 0};
}

struct Bounds {
  std::vector<std::int64_t> starts, ends, axes, steps;
};

Result<Bounds> bounds_of(const InferContext& context) {
  const Node& node = context.node;
  Bounds bounds{
      node.attributes.integers("starts"), node.attributes.integers("ends"), node.attributes.integers("axes"), {}};
  auto& [starts, ends, axes, steps] = bounds;
  if (node.version >= 10) {
    if (!context.has(1) || !context.has(2)) return make_error(Code::invalid_model, "starts or ends are missing");
    ADZE_TRY(starts, context.ints(1));
    ADZE_TRY(ends, context.ints(2));
    if (context.has(3)) {
      ADZE_TRY(axes, context.ints(3));
    }
    if (context.has(4)) {
      ADZE_TRY(steps, context.ints(4));
    }
  }
  const bool default_axes = axes.empty() && !context.has(3) && !node.attributes.has("axes");
  for (std::size_t i = 0; default_axes && i < starts.size(); i++) axes.push_back(static_cast<std::int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    return make_error(Code::invalid_model, "starts, ends, axes and steps differ in length");
  }
  ADZE_CHECK(axis_set(axes, context.shape(0).rank()));
  return bounds;
}

Result<std::vector<Cut>> cuts_of(const InferContext& context) {
  ADZE_TRY(const Bounds bounds, bounds_of(context));
  const auto& [starts, ends, axes, steps] = bounds;
  const Shape& data = context.shape(0);
  std::vector<Cut> cuts;
  for (const std::int64_t dim : data) cuts.push_back({0, 1, dim});
  for (std::size_t i = 0; i < axes.size(); i++) {
    if (steps[i] == 0) return make_error(Code::invalid_model, "a step is 0");
    const int axis = *normalise_axis(axes[i], data.rank());
    cuts[static_cast<std::size_t>(axis)] = cut_of(data[axis], starts[i], ends[i], steps[i]);
  }
  return cuts;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const auto cuts, cuts_of(context));
  Shape shape;
  for (const Cut& cut : cuts) shape.push_back(cut.count);
  context.set_shape(0, shape);
  return {};
}

// An axis that is kept whole stays so at any length, once its end is open.
Result<Lanes> lanes_of(const InferContext& context) {
  ADZE_TRY(Bounds bounds, bounds_of(context));
  ADZE_TRY(const auto cuts, cuts_of(context));
  const Shape& data = context.shape(0);
  const bool by_input = context.node.version >= 10;
  std::vector<bool> mixed(cuts.size());
  for (std::size_t i = 0; i < bounds.axes.size(); i++) {
    const auto axis = static_cast<std::size_t>(*normalise_axis(bounds.axes[i], data.rank()));
    const bool open = bounds.ends[i] >= std::numeric_limits<std::int32_t>::max();
    mixed[axis] = cuts[axis].count != data[static_cast<int>(axis)] || cuts[axis].step != 1 || !(open || by_input);
    if (mixed[axis]) continue;
    bounds.starts[i] = 0;
    bounds.ends[i] = std::numeric_limits<std::int64_t>::max();
  }
  Lanes lanes = lanes_except(context, mixed);
  const LaneNames fixed(bounds.axes.size(), kMixed);
  if (by_input) lanes.sizes = {{1, fixed, bounds.starts}, {2, fixed, bounds.ends}};
  return lanes;
}

Result<Step> prepare(PrepareContext& context) {
  InferContext again(context.node, context.inputs());
  ADZE_TRY(const auto cuts, cuts_of(again));
  const auto src = context.in(0).shape.strides(), dst = context.out().shape.strides();
  CopyArgs args;
  args.element_size = size_of(context.in(0).type);
  for (std::size_t axis = 0; axis < cuts.size(); axis++) {
    args.src_offset += cuts[axis].start * src[axis];
    args.shape.add_axis(cuts[axis].count, cuts[axis].count > 1 ? cuts[axis].step * src[axis] : 0, dst[axis]);
  }
  if (cuts.empty()) args.shape.add_axis(1, 1, 1);
  if (context.out().elements() == 0) args.src_offset = 0;
  Step step = copy_step(args, "slice");
  step.unread = ~1u;
  return step;
}

constexpr OpDef kOps[] = {{.name = "Slice",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, 5},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_slice;
constinit const std::span<const OpDef> ops_slice{kOps};

}  // namespace adze
