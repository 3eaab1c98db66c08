// The operators that give the same bytes another shape: Reshape, Flatten, Squeeze, Unsqueeze, Identity.
#include <algorithm>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

Result<Step> prepare_view(PrepareContext&) { return view_step(); }

// ---- Reshape --------------------------------------------------------------------------------------------------------

Result<void> infer_reshape(InferContext& context) {
  const Shape& data = context.shape(0);
  std::vector<std::int64_t> wanted = context.node.attributes.integers("shape");
  if (context.node.version >= 5) {
    if (!context.has(1)) return make_error(Code::invalid_model, "the shape is missing");
    ADZE_TRY(wanted, context.ints(1));
  }
  if (wanted.size() > kMaxRank) return make_error(Code::unsupported, "rank ", wanted.size(), " is above ", kMaxRank);
  const bool zero_copies = context.node.attributes.integer("allowzero", 0) == 0;
  Shape shape;
  int open = -1;
  for (std::size_t i = 0; i < wanted.size(); i++) {
    const int axis = static_cast<int>(i);
    std::int64_t dim = wanted[i];
    if (dim == 0 && zero_copies) {
      if (axis >= data.rank())
        return make_error(Code::invalid_model, "dimension ", axis, " is copied from rank ", data.rank());
      dim = data[axis];
    }
    if (dim == -1 && open < 0) {
      open = axis;
      dim = 1;
    }
    if (dim < 0) return make_error(Code::invalid_model, "dimension ", axis, " is ", wanted[i]);
    shape.push_back(dim);
  }
  const auto elements = shape.checked_elements();
  if (!elements) return make_error(Code::invalid_model, "the shape is too large");
  if (open >= 0) {
    if (*elements == 0 || data.elements() % *elements != 0) {
      return make_error(Code::invalid_model, "shape ", to_string(data), " doesn't divide into the given dimensions");
    }
    shape[open] = data.elements() / *elements;
  } else if (*elements != data.elements()) {
    return make_error(Code::invalid_model, "shape ", to_string(data), " doesn't fit into ", to_string(shape));
  }
  context.set_shape(0, shape);
  return {};
}

// ---- Flatten, Squeeze, Unsqueeze ------------------------------------------------------------------------------------

Result<void> infer_flatten(InferContext& context) {
  const Shape& data = context.shape(0);
  const std::int64_t axis = context.node.attributes.integer("axis", 1);
  if (axis < -data.rank() || axis > data.rank()) {
    return make_error(Code::invalid_model, "axis ", axis, " is out of range for rank ", data.rank());
  }
  const int cut = static_cast<int>(axis < 0 ? axis + data.rank() : axis);
  context.set_shape(0, {data.elements(0, cut), data.elements(cut, data.rank())});
  return {};
}

// Axes from the attribute before version 13, from input 1 since; nothing where neither is there.
Result<std::optional<std::vector<std::int64_t>>> axes_of(const InferContext& context) {
  using Axes = std::optional<std::vector<std::int64_t>>;
  if (context.node.version >= 13) {
    if (!context.has(1)) return Axes();
    ADZE_TRY(auto axes, context.ints(1));
    return Axes(std::move(axes));
  }
  return context.node.attributes.has("axes") ? Axes(context.node.attributes.integers("axes")) : Axes();
}

Result<void> infer_squeeze(InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const auto axes, axes_of(context));
  std::vector<bool> drop(static_cast<std::size_t>(data.rank()));
  if (axes) {
    ADZE_TRY(drop, axis_set(*axes, data.rank()));
  }
  Shape shape;
  for (int axis = 0; axis < data.rank(); axis++) {
    const bool named = drop[static_cast<std::size_t>(axis)];
    if (named && data[axis] != 1)
      return make_error(Code::invalid_model, "axis ", axis, " has ", data[axis], " elements");
    if (!(named || (!axes && data[axis] == 1))) shape.push_back(data[axis]);
  }
  context.set_shape(0, shape);
  return {};
}

Result<void> infer_unsqueeze(InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const auto axes, axes_of(context));
  if (!axes) return make_error(Code::invalid_model, "axes are missing");
  const std::size_t rank = static_cast<std::size_t>(data.rank()) + axes->size();
  if (rank > kMaxRank) return make_error(Code::unsupported, "rank ", rank, " is above ", kMaxRank);
  ADZE_TRY(const auto added, axis_set(*axes, static_cast<int>(rank)));
  Shape shape;
  int from = 0;
  for (const bool is_new : added) shape.push_back(is_new ? 1 : data[from++]);
  context.set_shape(0, shape);
  return {};
}

// ---- Identity -------------------------------------------------------------------------------------------------------

Result<void> infer_same(InferContext& context) {
  context.set_shape(0, context.shape(0));
  return {};
}

DType same_type(const Node&, std::span<const DType> inputs, int) { return inputs[0]; }

constexpr int kReshape[] = {1, 5, 13, 14, 19, 21, 23, 24, 25}, kFlatten[] = {1, 9, 11, 13, 21, 23, 24, 25};
constexpr int kSqueeze[] = {1, 11, 13, 21, 23, 24, 25}, kIdentity[] = {1, 13, 14, 16, 19, 21, 23, 24, 25};
constexpr AttrSpec kReshapeAttributes[] = {{"shape", AttrKind::integers}, {"allowzero", AttrKind::integer}};
constexpr AttrSpec kFlattenAttributes[] = {{"axis", AttrKind::integer}};
constexpr AttrSpec kAxes[] = {{"axes", AttrKind::integers}};
constexpr TypeMask kTypes[] = {kStored, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "Reshape",
                           .versions = kReshape,
                           .attributes = kReshapeAttributes,
                           .inputs = {1, 2},
                           .input_types = kTypes,
                           .output_type = same_type,
                           .infer = infer_reshape,
                           .prepare = prepare_view,
                           .lanes = lanes_reshaped},
                          {.name = "Flatten",
                           .versions = kFlatten,
                           .attributes = kFlattenAttributes,
                           .input_types = kTypes,
                           .infer = infer_flatten,
                           .prepare = prepare_view,
                           .lanes = lanes_reshaped},
                          {.name = "Squeeze",
                           .versions = kSqueeze,
                           .attributes = kAxes,
                           .inputs = {1, 2},
                           .input_types = kTypes,
                           .infer = infer_squeeze,
                           .prepare = prepare_view,
                           .lanes = lanes_reshaped},
                          {.name = "Unsqueeze",
                           .versions = kSqueeze,
                           .attributes = kAxes,
                           .inputs = {1, 2},
                           .input_types = kTypes,
                           .infer = infer_unsqueeze,
                           .prepare = prepare_view,
                           .lanes = lanes_reshaped},
                          {.name = "Identity",
                           .versions = kIdentity,
                           .input_types = kTypes,
                           .infer = infer_same,
                           .prepare = prepare_view,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent}};

}  // namespace
extern const std::span<const OpDef> ops_reshape;
constinit const std::span<const OpDef> ops_reshape{kOps};

}  // namespace adze
