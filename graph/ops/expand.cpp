// Expand and Tile: repetition along axes.
#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

constexpr int kExpand[] = {8, 13}, kTile[] = {1, 6, 13};
constexpr TypeMask kExpandTypes[] = {kAnyType, types(DType::i64)};
constexpr TypeMask kTileTypes[] = {kAnyType, kIndices};

Result<void> too_large(const Shape& shape) {
  if (shape.checked_elements()) return {};
  return make_error(Code::resource_limit, "the result ", to_string(shape), " is too large");
}

Result<void> infer_expand(InferContext& context) {
  ADZE_TRY(const auto wanted, context.ints(1));
  if (wanted.size() > kMaxRank) return make_error(Code::unsupported, "rank ", wanted.size(), " is above ", kMaxRank);
  const Shape shape{std::span<const std::int64_t>(wanted)};
  const auto result = broadcast(context.shape(0), shape);
  if (!result) {
    return make_error(Code::invalid_model, "shapes ", to_string(context.shape(0)), " and ", to_string(shape),
                      " don't broadcast");
  }
  ADZE_CHECK(too_large(*result));
  context.set_shape(0, *result);
  return {};
}

Result<Lanes> lanes_of_expand(const InferContext& context) {
  const Shape& result = context.outputs()[0].shape;
  Lanes lanes;
  lanes.inputs = {lanes_from_right(context.shape(0).rank())};
  lanes.outputs = {lanes_from_right(result.rank())};
  lanes.sizes = {{1, lanes.outputs[0], {result.begin(), result.end()}}};
  return lanes;
}

Result<Step> prepare_expand(PrepareContext& context) {
  const Shape &data = context.in(0).shape, &result = context.out().shape;
  const auto src = data.strides(), dst = result.strides();
  CopyArgs args;
  args.element_size = size_of(context.in(0).type);
  args.shape.add_axis(1, 0, 1);
  for (int axis = 0; axis < result.rank(); axis++) {
    const int own = axis - (result.rank() - data.rank());
    const std::int64_t stride = own >= 0 && data[own] != 1 ? src[static_cast<std::size_t>(own)] : 0;
    args.shape.add_axis(result[axis], stride, dst[static_cast<std::size_t>(axis)]);
  }
  Step step = copy_step(args, "expand");
  step.unread = 0b10;
  return step;
}

// Version 1 took the number of repetitions and one axis, later ones a count per axis.
Result<std::vector<std::int64_t>> repeats_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(auto repeats, context.ints(1));
  if (context.node.version == 1) {
    if (!context.has(2)) return make_error(Code::invalid_model, "the axis is missing");
    ADZE_TRY(const auto axis, context.ints(2));
    if (axis.size() != 1 || repeats.size() != 1 || axis[0] < 0 || axis[0] >= rank) {
      return make_error(Code::invalid_model, "tiles and axis must be one number each, the axis below ", rank);
    }
    std::vector<std::int64_t> all(static_cast<std::size_t>(rank), 1);
    all[static_cast<std::size_t>(axis[0])] = repeats[0];
    repeats = std::move(all);
  }
  if (static_cast<int>(repeats.size()) != rank) {
    return make_error(Code::invalid_model, repeats.size(), " repeats for rank ", rank);
  }
  for (const std::int64_t n : repeats) {
    if (n < 0) return make_error(Code::invalid_model, "repeat ", n, " is negative");
  }
  return repeats;
}

Result<void> infer_tile(InferContext& context) {
  ADZE_TRY(const auto repeats, repeats_of(context));
  Shape shape = context.shape(0);
  for (int axis = 0; axis < shape.rank(); axis++) {
    if (__builtin_mul_overflow(shape[axis], repeats[static_cast<std::size_t>(axis)], &shape[axis])) {
      return make_error(Code::resource_limit, "the result is too large");
    }
  }
  ADZE_CHECK(too_large(shape));
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of_tile(const InferContext& context) {
  ADZE_TRY(const auto repeats, repeats_of(context));
  std::vector<bool> mixed;
  for (const std::int64_t n : repeats) mixed.push_back(n != 1);
  return lanes_except(context, mixed);
}

// Every axis twice: the repetition, which doesn't move in the source, then the data's own.
Result<Step> prepare_tile(PrepareContext& context) {
  const Shape &data = context.in(0).shape, &result = context.out().shape;
  const auto src = data.strides(), dst = result.strides();
  CopyArgs args;
  args.element_size = size_of(context.in(0).type);
  args.shape.add_axis(1, 0, 1);
  for (int axis = 0; axis < result.rank(); axis++) {
    const auto a = static_cast<std::size_t>(axis);
    const std::int64_t repeats = data[axis] ? result[axis] / data[axis] : 0;
    if (args.shape.rank + 2 > kMaxCopyAxes) return make_error(Code::unsupported, "too many repeated axes");
    args.shape.add_axis(repeats, 0, dst[a] * data[axis]);
    args.shape.add_axis(data[axis], src[a], dst[a]);
  }
  Step step = copy_step(args, "tile");
  step.unread = 0b110;
  return step;
}

constexpr OpDef kOps[] = {{.name = "Expand",
                           .versions = kExpand,
                           .inputs = {2, 2},
                           .input_types = kExpandTypes,
                           .infer = infer_expand,
                           .prepare = prepare_expand,
                           .lanes = lanes_of_expand},
                          {.name = "Tile",
                           .versions = kTile,
                           .inputs = {2, 3},
                           .input_types = kTileTypes,
                           .infer = infer_tile,
                           .prepare = prepare_tile,
                           .lanes = lanes_of_tile}};

}  // namespace
extern const std::span<const OpDef> ops_expand;
constinit const std::span<const OpDef> ops_expand{kOps};

}  // namespace adze
