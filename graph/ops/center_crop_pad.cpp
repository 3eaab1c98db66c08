// CenterCropPad: axes cut or filled with zeros to given sizes, the middle staying in the middle; an odd rest goes to
// the end.
#include <cstring>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

Result<Shape> target_of(const InferContext& context) {
  ADZE_TRY(const auto sizes, context.ints(1));
  Shape shape = context.shape(0);
  std::vector<std::int64_t> axes = context.node.attributes.integers("axes");
  if (!context.node.attributes.has("axes")) {
    for (int axis = 0; axis < shape.rank(); axis++) axes.push_back(axis);
  }
  ADZE_CHECK(axis_set(axes, shape.rank()));
  if (axes.size() != sizes.size()) return make_error(Code::invalid_model, "axes and sizes differ in number");
  for (std::size_t i = 0; i < axes.size(); i++) shape[*normalise_axis(axes[i], shape.rank())] = sizes[i];
  return shape;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Shape shape, target_of(context));
  context.set_shape(0, shape);
  return {};
}

// Axes that keep their size; the sizes that are asked for go with them.
Result<Lanes> lanes_of(const InferContext& context) {
  const Shape &data = context.shape(0), &result = context.outputs()[0].shape;
  std::vector<bool> mixed;
  for (int axis = 0; axis < data.rank(); axis++) mixed.push_back(data[axis] != result[axis]);
  Lanes lanes = lanes_except(context, mixed);
  Lanes::Sizes sizes{1, {}, {}};
  ADZE_TRY(sizes.values, context.ints(1));
  const auto axes = context.node.attributes.integers("axes");
  for (std::size_t i = 0; i < sizes.values.size(); i++) {
    sizes.names.push_back(axes.empty() ? static_cast<int>(i) : *normalise_axis(axes[i], data.rank()));
  }
  lanes.sizes.push_back(std::move(sizes));
  return lanes;
}

struct Args {
  CopyArgs copy;
  std::size_t bytes;
};

void run(const Args& args, const Call& call) {
  if (call.slice.part != 0) return;
  std::memset(call.out<std::byte>(), 0, args.bytes);
  run_copy(args.copy, call.in<std::byte>(), call.out<std::byte>(), {});
}

Result<Step> prepare(PrepareContext& context) {
  const Shape &src = context.in(0).shape, &dst = context.out().shape;
  Args args{{}, context.out().bytes()};
  args.copy.element_size = size_of(context.in(0).type);
  const auto src_strides = src.strides(), dst_strides = dst.strides();
  for (int axis = 0; axis < src.rank(); axis++) {
    const auto a = static_cast<std::size_t>(axis);
    const std::int64_t gone = src[axis] - dst[axis];
    if (gone > 0) args.copy.src_offset += gone / 2 * src_strides[a];
    if (gone < 0) args.copy.dst_offset += -gone / 2 * dst_strides[a];
    args.copy.shape.add_axis(std::min(src[axis], dst[axis]), src_strides[a], dst_strides[a]);
  }
  Step step = make_step<run>(args, "center_crop_pad");
  step.unread = 0b10;
  return step;
}

constexpr int kVersions[] = {18};
constexpr AttrSpec kAttributes[] = {{"axes", AttrKind::integers}};
constexpr TypeMask kTypes[] = {kAnyType, kIndices};

constexpr OpDef kOps[] = {{.name = "CenterCropPad",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_center_crop_pad;
constinit const std::span<const OpDef> ops_center_crop_pad{kOps};

}  // namespace adze
