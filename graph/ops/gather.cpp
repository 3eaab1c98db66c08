// Gather, GatherElements, GatherND: read at indices that may be negative; one out of range fails the run.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr TypeMask kTypes[] = {kAnyType, kIndices};
constexpr const char* kOutOfRange = "an index is out of range";

Result<void> infer_gather(InferContext& context) {
  const Shape &data = context.shape(0), &indices = context.shape(1);
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  if (data.rank() + indices.rank() - 1 > kMaxRank)
    return make_error(Code::unsupported, "the result's rank is above ", kMaxRank);
  Shape shape;
  for (int i = 0; i < axis; i++) shape.push_back(data[i]);
  for (const std::int64_t dim : indices) shape.push_back(dim);
  for (int i = axis + 1; i < data.rank(); i++) shape.push_back(data[i]);
  context.set_shape(0, shape);
  return {};
}

// The data's axes but the gathered one, and the indices' in its place.
Result<Lanes> lanes_of_gather(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, rank));
  LaneNames indices = lanes_from_left(context.shape(1).rank());
  for (int& name : indices) name += kMaxRank;
  Lanes lanes;
  lanes.inputs = {lanes_except(context, axis).inputs[0], indices};
  LaneNames result = lanes.inputs[0];
  result.erase(result.begin() + axis);
  result.insert(result.begin() + axis, indices.begin(), indices.end());
  lanes.outputs = {std::move(result)};
  return lanes;
}

Result<void> infer_elements(InferContext& context) {
  const Shape &data = context.shape(0), &indices = context.shape(1);
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  bool fits = data.rank() == indices.rank();
  for (int i = 0; i < data.rank() && fits; i++) fits = i == axis || indices[i] <= data[i];
  if (!fits) return make_error(Code::invalid_model, "indices ", to_string(indices), " don't fit ", to_string(data));
  context.set_shape(0, indices);
  return {};
}

Result<void> infer_nd(InferContext& context) {
  const Shape &data = context.shape(0), &indices = context.shape(1);
  const std::int64_t batch = context.node.attributes.integer("batch_dims", 0);
  if (indices.rank() < 1 || batch >= indices.rank() || batch >= data.rank() || indices.back() > data.rank() - batch ||
      indices.back() < 1) {
    return make_error(Code::invalid_model, "indices ", to_string(indices), " don't fit ", to_string(data));
  }
  Shape shape;
  for (int i = 0; i < indices.rank() - 1; i++) {
    if (i < batch && indices[i] != data[i]) return make_error(Code::invalid_model, "batch axis ", i, " differs");
    shape.push_back(indices[i]);
  }
  const int first = static_cast<int>(batch + indices.back());
  if (shape.rank() + data.rank() - first > kMaxRank)
    return make_error(Code::unsupported, "the result's rank is above ", kMaxRank);
  for (int i = first; i < data.rank(); i++) shape.push_back(data[i]);
  context.set_shape(0, shape);
  return {};
}

// The batch axes of both, the further ones of the indices, and those of the data that aren't indexed.
Result<Lanes> lanes_of_nd(const InferContext& context) {
  const auto batch = static_cast<std::size_t>(context.node.attributes.integer("batch_dims", 0));
  const std::size_t first = batch + static_cast<std::size_t>(context.shape(1).back());
  LaneNames data = lanes_from_left(context.shape(0).rank()), indices = lanes_from_left(context.shape(1).rank());
  for (std::size_t axis = batch; axis < data.size(); axis++) data[axis] = axis < first ? kMixed : data[axis] + kMaxRank;
  indices.back() = kMixed;
  LaneNames result(indices.begin(), indices.end() - 1);
  result.insert(result.end(), data.begin() + static_cast<std::ptrdiff_t>(first), data.end());
  Lanes lanes;
  lanes.inputs = {std::move(data), std::move(indices)};
  lanes.outputs = {std::move(result)};
  return lanes;
}

struct Args {
  std::int64_t outer, count, inner;  // of the result: outer x count x inner elements
  std::int64_t axis_size;
  DType index_type;
  std::size_t element_size;
  // GatherND
  std::vector<std::int64_t> dims, strides;  // of the indexed axes
};

std::int64_t index_at(const Call& call, DType type, std::int64_t i) {
  return type == DType::i64 ? call.in<std::int64_t>(1)[i] : call.in<std::int32_t>(1)[i];
}

// index made non-negative; false when it is outside [-size, size).
bool resolve(std::int64_t& index, std::int64_t size) {
  if (index < -size || index >= size) return false;
  if (index < 0) index += size;
  return true;
}

void run_gather(const Args& args, const Call& call) {
  const std::size_t bytes = static_cast<std::size_t>(args.inner) * args.element_size;
  const Range range = call.slice.of(args.outer * args.count);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    std::int64_t index = index_at(call, args.index_type, i % args.count);
    if (!resolve(index, args.axis_size)) return call.failure.set(kOutOfRange);
    const std::int64_t row = i / args.count * args.axis_size + index;
    std::copy_n(call.in<std::byte>() + static_cast<std::size_t>(row) * bytes, bytes,
                call.out<std::byte>() + static_cast<std::size_t>(i) * bytes);
  }
}

Result<Step> prepare_gather(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  Args args{data.elements(0, axis),
            context.in(1).elements(),
            data.elements(axis + 1, data.rank()),
            data[axis],
            context.in(1).type,
            size_of(context.in(0).type),
            {},
            {}};
  Step step = make_step<run_gather>(args, "gather");
  step.max_parts = elementwise_parts(context.out().elements());
  return step;
}

// The result has the indices' shape; only the position along the axis comes from the index.
struct ElementsArgs {
  Shape indices;
  std::array<std::int64_t, kMaxRank> data_strides;
  int axis;
  std::int64_t axis_size;
  DType index_type;
  std::size_t element_size;
};

void run_elements(const ElementsArgs& args, const Call& call) {
  const Range range = call.slice.of(args.indices.elements());
  for (std::int64_t i = range.begin; i < range.end; i++) {
    std::int64_t index = index_at(call, args.index_type, i);
    if (!resolve(index, args.axis_size)) return call.failure.set(kOutOfRange);
    std::int64_t offset = index * args.data_strides[static_cast<std::size_t>(args.axis)], rest = i;
    for (int axis = args.indices.rank() - 1; axis >= 0; axis--) {
      if (axis != args.axis) offset += rest % args.indices[axis] * args.data_strides[static_cast<std::size_t>(axis)];
      rest /= args.indices[axis];
    }
    std::copy_n(call.in<std::byte>() + static_cast<std::size_t>(offset) * args.element_size, args.element_size,
                call.out<std::byte>() + static_cast<std::size_t>(i) * args.element_size);
  }
}

Result<Step> prepare_elements(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  Step step = make_step<run_elements>(ElementsArgs{context.in(1).shape, data.strides(), axis, data[axis],
                                                   context.in(1).type, size_of(context.in(0).type)},
                                      "gather_elements");
  step.max_parts = elementwise_parts(context.out().elements());
  return step;
}

void run_nd(const Args& args, const Call& call) {
  const std::size_t bytes = static_cast<std::size_t>(args.inner) * args.element_size;
  const auto width = static_cast<std::int64_t>(args.dims.size());
  const Range range = call.slice.of(args.outer * args.count);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    std::int64_t offset = i / args.count * args.axis_size;
    for (std::int64_t k = 0; k < width; k++) {
      std::int64_t index = index_at(call, args.index_type, i * width + k);
      if (!resolve(index, args.dims[static_cast<std::size_t>(k)])) return call.failure.set(kOutOfRange);
      offset += index * args.strides[static_cast<std::size_t>(k)];
    }
    std::copy_n(call.in<std::byte>() + static_cast<std::size_t>(offset) * args.element_size, bytes,
                call.out<std::byte>() + static_cast<std::size_t>(i) * bytes);
  }
}

Result<Step> prepare_nd(PrepareContext& context) {
  const Shape &data = context.in(0).shape, &indices = context.in(1).shape;
  const int batch = static_cast<int>(context.node.attributes.integer("batch_dims", 0));
  const int first = batch + static_cast<int>(indices.back());
  const auto strides = data.strides();
  Args args{data.elements(0, batch),
            indices.elements(batch, indices.rank() - 1),
            data.elements(first, data.rank()),
            data.elements(batch, data.rank()),
            context.in(1).type,
            size_of(context.in(0).type),
            {},
            {}};
  for (int axis = batch; axis < first; axis++) {
    args.dims.push_back(data[axis]);
    args.strides.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  Step step = make_step<run_nd>(std::move(args), "gather_nd");
  step.max_parts = elementwise_parts(context.out().elements());
  return step;
}

constexpr int kGather[] = {1, 11, 13}, kElements[] = {11, 13}, kNd[] = {11, 12, 13};
constexpr AttrSpec kAxis[] = {{"axis", AttrKind::integer}};
constexpr AttrSpec kBatch[] = {{"batch_dims", AttrKind::integer, false, 0, kMaxRank}};

constexpr OpDef kOps[] = {{.name = "Gather",
                           .versions = kGather,
                           .attributes = kAxis,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer_gather,
                           .prepare = prepare_gather,
                           .lanes = lanes_of_gather},
                          {.name = "GatherElements",
                           .versions = kElements,
                           .attributes = kAxis,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer_elements,
                           .prepare = prepare_elements,
                           .lanes = lanes_but_axis<0, 2>},
                          {.name = "GatherND",
                           .versions = kNd,
                           .attributes = kBatch,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer_nd,
                           .prepare = prepare_nd,
                           .lanes = lanes_of_nd}};

}  // namespace
extern const std::span<const OpDef> ops_gather;
constinit const std::span<const OpDef> ops_gather{kOps};

}  // namespace adze
