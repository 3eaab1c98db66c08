// Operators whose result follows from shapes or attributes alone: Shape, Size, Constant, ConstantOfShape, Range,
// EyeLike. They are evaluated while planning.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/op.h"

namespace adze {
namespace {

constexpr TypeMask kAny[] = {kAnyType}, kAnyStored[] = {kStored};
constexpr TypeMask kInt64[] = {types(DType::i64)};

DType int64(const Node&, std::span<const DType>, int) { return DType::i64; }

// ---- results that are stored while preparing ------------------------------------------------------------------------

struct Stored {
  Tensor value;
};
void write_stored(const Stored& args, const Call& call) {
  if (call.slice.part == 0) std::memcpy(call.out<std::byte>(), args.value.raw(), args.value.bytes());
}
Step stored_step(Tensor value) {
  Step step = make_step<write_stored>(Stored{std::move(value)}, "constant");
  step.unread = ~0u;
  return step;
}

// ---- Shape, Size ----------------------------------------------------------------------------------------------------

std::vector<std::int64_t> shape_slice(const Node& node, const Shape& shape) {
  const auto clamp = [&](std::int64_t x) {
    return std::clamp<std::int64_t>(x < 0 ? x + shape.rank() : x, 0, shape.rank());
  };
  const std::int64_t start = clamp(node.attributes.integer("start", 0));
  const std::int64_t end = clamp(node.attributes.integer("end", shape.rank()));
  if (end <= start) return {};
  return {shape.begin() + start, shape.begin() + end};
}

Result<void> infer_shape(InferContext& context) {
  const auto dims = shape_slice(context.node, context.shape(0));
  context.set_shape(0, {static_cast<std::int64_t>(dims.size())});
  context.set_value(0, Tensor::from_ints(dims));
  return {};
}
Result<Step> prepare_shape(PrepareContext& context) {
  return stored_step(Tensor::from_ints(shape_slice(context.node, context.in(0).shape)));
}

Result<void> infer_size(InferContext& context) {
  context.set_shape(0, {});
  const std::int64_t size = context.shape(0).elements();
  context.set_value(0, Tensor::from<std::int64_t>({}, {&size, 1}));
  return {};
}
Result<Step> prepare_size(PrepareContext& context) {
  const std::int64_t size = context.in(0).elements();
  return stored_step(Tensor::from<std::int64_t>({}, {&size, 1}));
}

// ---- Constant -------------------------------------------------------------------------------------------------------

Result<Tensor> constant_of(const Node& node) {
  const Attributes& a = node.attributes;
  if (std::distance(a.begin(), a.end()) > 1) return make_error(Code::invalid_model, "has more than one value");
  if (const Tensor* value = a.tensor(a.has("value") ? "value" : "sparse_value")) return *value;
  if (a.has("value_int")) {
    const std::int64_t value = a.integer("value_int", 0);
    return Tensor::from<std::int64_t>({}, {&value, 1});
  }
  if (a.has("value_float")) {
    const float value = a.real("value_float", 0);
    return Tensor::from<float>({}, {&value, 1});
  }
  if (a.has("value_ints")) return Tensor::from_ints(a.integers("value_ints"));
  if (a.has("value_floats")) {
    const auto values = a.reals("value_floats");
    return Tensor::from<float>({static_cast<std::int64_t>(values.size())}, values);
  }
  return make_error(Code::unsupported, "only numeric constants are supported");
}

Result<void> check_constant(const Node& node) {
  ADZE_TRY([[maybe_unused]] const Tensor value, constant_of(node));
  return {};
}
DType constant_type(const Node& node, std::span<const DType>, int) {
  const auto value = constant_of(node);
  return value ? value->type() : DType::undefined;
}
Result<void> infer_constant(InferContext& context) {
  ADZE_TRY(const Tensor value, constant_of(context.node));
  context.set_shape(0, value.shape());
  context.set_value(0, value);
  return {};
}
Result<Step> prepare_constant(PrepareContext& context) {
  ADZE_TRY(const Tensor value, constant_of(context.node));
  ADZE_TRY(Tensor held, value.resident());
  return stored_step(std::move(held));
}

// ---- ConstantOfShape ------------------------------------------------------------------------------------------------

Tensor fill_value(const Node& node) {
  const Tensor* value = node.attributes.tensor("value");
  return value ? *value : Tensor::allocate(DType::f32, {1}).tensor;
}
Result<void> check_constant_of_shape(const Node& node) {
  if (fill_value(node).elements() != 1)
    return make_error(Code::invalid_model, "attribute \"value\" is not a single element");
  return {};
}
Result<void> infer_constant_of_shape(InferContext& context) {
  ADZE_TRY(const auto dims, context.ints(0));
  if (dims.size() > kMaxRank) return make_error(Code::unsupported, "rank ", dims.size(), " is above ", kMaxRank);
  for (const std::int64_t dim : dims) {
    if (dim < 0) return make_error(Code::invalid_model, "dimension ", dim, " is negative");
  }
  const Shape shape{std::span<const std::int64_t>(dims)};
  if (!shape.checked_elements())
    return make_error(Code::resource_limit, "the result ", to_string(shape), " is too large");
  context.set_shape(0, shape);
  return {};
}

struct Fill {
  Tensor value;
  std::int64_t elements;
};
void run_fill(const Fill& args, const Call& call) {
  const std::size_t size = size_of(args.value.type());
  const Range range = call.slice.of(args.elements, 64);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    std::memcpy(call.out<std::byte>() + static_cast<std::size_t>(i) * size, args.value.raw(), size);
  }
}
Result<Step> prepare_constant_of_shape(PrepareContext& context) {
  Step step = make_step<run_fill>(Fill{fill_value(context.node), context.out().elements()}, "fill");
  step.unread = 1;
  return step;
}

// ---- Range, EyeLike -------------------------------------------------------------------------------------------------

Result<void> infer_range(InferContext& context) {
  for (int i = 0; i < 3; i++) {
    ADZE_TRY(const Tensor* const value, context.known(i));
    if (value->elements() != 1 || value->type() != context.in(0).type) {
      return make_error(Code::invalid_model, "start, limit and delta must be scalars of one type");
    }
  }
  const double count = dispatch(context.in(0).type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto at = [&](int i) { return static_cast<double>(context.in(i).value->template as<T>()[0]); };
    return at(2) == 0 ? -1.0 : std::max(0.0, std::ceil((at(1) - at(0)) / at(2)));
  });
  if (!(count >= 0)) return make_error(Code::invalid_model, "delta is 0 or not a number");
  if (count > 0x1p40) return make_error(Code::resource_limit, "a range of ", count, " elements is too large");
  context.set_shape(0, {static_cast<std::int64_t>(count)});
  return {};
}

struct RangeArgs {
  DType type;
  std::int64_t elements;
};
void run_range(const RangeArgs& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) return;
    using C = std::conditional_t<std::is_integral_v<T>, std::uint64_t,
                                 std::conditional_t<std::is_same_v<T, double>, double, float>>;
    const C start = static_cast<C>(*call.in<T>(0)), delta = static_cast<C>(*call.in<T>(2));
    for (std::int64_t i = 0; i < args.elements; i++) {
      call.out<T>()[i] = static_cast<T>(start + static_cast<C>(i) * delta);
    }
  });
}
Result<Step> prepare_range(PrepareContext& context) {
  return make_step<run_range>(RangeArgs{context.in(0).type, context.out().elements()}, "range");
}

struct EyeArgs {
  DType type;
  std::int64_t rows, columns, diagonal;
};
DType eye_type(const Node& node, std::span<const DType> inputs, int) {
  return node.attributes.has("dtype") ? static_cast<DType>(node.attributes.integer("dtype", 1)) : inputs[0];
}
Result<void> check_eye(const Node& node) {
  const auto type = static_cast<DType>(node.attributes.integer("dtype", 1));
  if (!(kAnyType & mask_of(type))) return make_error(Code::unsupported, "its \"dtype\" is not supported");
  return {};
}
Result<void> infer_eye(InferContext& context) {
  if (context.shape(0).rank() != 2) return make_error(Code::invalid_model, "the data is no matrix");
  context.set_shape(0, context.shape(0));
  return {};
}
void run_eye(const EyeArgs& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < args.rows * args.columns; i++) {
      call.out<T>()[i] = static_cast<T>(i % args.columns - i / args.columns == args.diagonal);
    }
  });
}
Result<Step> prepare_eye(PrepareContext& context) {
  const Shape& shape = context.out().shape;
  Step step = make_step<run_eye>(
      EyeArgs{context.out().type, shape[0], shape[1], context.node.attributes.integer("k", 0)}, "eye");
  step.unread = 1;
  return step;
}

constexpr int kShape[] = {1, 13, 15, 19, 21, 23, 24, 25}, kSize[] = {1, 13, 19, 21, 23, 24, 25};
constexpr int kConstant[] = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, kOfShape[] = {9, 20, 21, 23, 24, 25};
constexpr int kRange[] = {11, 27}, kEye[] = {9, 22};
constexpr AttrSpec kShapeAttributes[] = {{"start", AttrKind::integer}, {"end", AttrKind::integer}};
constexpr AttrSpec kConstantAttributes[] = {{"value", AttrKind::tensor},        {"sparse_value", AttrKind::tensor},
                                            {"value_int", AttrKind::integer},   {"value_ints", AttrKind::integers},
                                            {"value_float", AttrKind::real},    {"value_floats", AttrKind::reals},
                                            {"value_string", AttrKind::string}, {"value_strings", AttrKind::strings}};
constexpr AttrSpec kOfShapeAttributes[] = {{"value", AttrKind::tensor}};
constexpr AttrSpec kEyeAttributes[] = {{"dtype", AttrKind::integer, false, 1, 32}, {"k", AttrKind::integer}};
constexpr AttrSpec kRangeAttributes[] = {{"stash_type", AttrKind::integer}};
constexpr TypeMask kRangeTypes[] = {kNumbers};

constexpr OpDef kOps[] = {
    {.name = "Shape",
     .versions = kShape,
     .attributes = kShapeAttributes,
     .input_types = kAnyStored,
     .output_type = int64,
     .infer = infer_shape,
     .prepare = prepare_shape},
    {.name = "Size",
     .versions = kSize,
     .input_types = kAnyStored,
     .output_type = int64,
     .infer = infer_size,
     .prepare = prepare_size},
    {.name = "Constant",
     .versions = kConstant,
     .attributes = kConstantAttributes,
     .inputs = {0, 0},
     .input_types = {},
     .output_type = constant_type,
     .check = check_constant,
     .infer = infer_constant,
     .prepare = prepare_constant,
     .note = "numbers only"},
    {.name = "ConstantOfShape",
     .versions = kOfShape,
     .attributes = kOfShapeAttributes,
     .input_types = kInt64,
     .output_type = [](const Node& node, std::span<const DType>, int) { return fill_value(node).type(); },
     .check = check_constant_of_shape,
     .infer = infer_constant_of_shape,
     .prepare = prepare_constant_of_shape},
    {.name = "Range",
     .versions = kRange,
     .attributes = kRangeAttributes,
     .inputs = {3, 3},
     .input_types = kRangeTypes,
     .infer = infer_range,
     .prepare = prepare_range},
    {.name = "EyeLike",
     .versions = kEye,
     .attributes = kEyeAttributes,
     .input_types = kAny,
     .output_type = eye_type,
     .check = check_eye,
     .infer = infer_eye,
     .prepare = prepare_eye}};

}  // namespace
extern const std::span<const OpDef> ops_shape;
constinit const std::span<const OpDef> ops_shape{kOps};

}  // namespace adze
