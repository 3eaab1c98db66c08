// QLinearConcat, QLinearWhere: 8-bit elements moved and coded anew for the scale and zero point of the result.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/quantized.h"

namespace adze {
namespace {

float same(float x) { return x; }

// ---- QLinearConcat --------------------------------------------------------------------------------------------------

// Inputs: the result's scale and zero point, then data, scale and zero point of each part.
constexpr int kFirst = 2, kPerPart = 3;

struct Part {
  int data;
  ByteCodes codes;
  std::int64_t row, offset;  // elements in a row of the part; where they begin in a row of the result
};
struct ConcatArgs {
  ByteCodes y;
  std::int64_t rows, row;
  std::vector<Part> parts;
  Shape result;
};

Result<ConcatArgs> concat_of(const auto& context) {
  if ((context.input_count() - kFirst) % kPerPart != 0) {
    return make_error(Code::invalid_model, context.input_count(), " inputs are not 2 and 3 for each part");
  }
  for (int i = 0; i < context.input_count(); i++) {
    if (!context.has(i)) return make_error(Code::invalid_model, "input ", i, " is left out");
  }
  const DType type = context.in(1).type;
  ConcatArgs args;
  ADZE_TRY(args.y, byte_codes(context, type, 0, 1));
  args.result = context.in(kFirst).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, args.result.rank()));
  args.rows = args.result.elements(0, axis);
  const std::int64_t inner = args.result.elements(axis + 1, args.result.rank());
  args.result[axis] = 0;
  for (int i = kFirst; i < context.input_count(); i += kPerPart) {
    const Shape& shape = context.in(i).shape;
    bool fits = shape.rank() == args.result.rank() && context.in(i).type == type;
    for (int a = 0; a < shape.rank() && fits; a++) fits = a == axis || shape[a] == args.result[a];
    if (!fits) {
      return make_error(Code::invalid_model, "input ", i, " of type ", name_of(context.in(i).type), " and shape ",
                        to_string(shape), " doesn't fit");
    }
    ADZE_TRY(const ByteCodes codes, byte_codes(context, type, i + 1, i + 2));
    args.parts.push_back({i, codes, shape[axis] * inner, args.result[axis] * inner});
    if (__builtin_add_overflow(args.result[axis], shape[axis], &args.result[axis]) || !args.result.checked_elements()) {
      return make_error(Code::resource_limit, "the result is too large");
    }
  }
  args.row = args.result[axis] * inner;
  return args;
}

Result<void> infer_concat(InferContext& context) {
  ADZE_TRY(const ConcatArgs args, concat_of(context));
  context.set_shape(0, args.result);
  return {};
}

void run_concat(const ConcatArgs& args, const Call& call) {
  const ByteScale y(args.y, call);
  const Range rows = call.slice.of(args.rows);
  for (const Part& part : args.parts) {
    const auto table = code_table(ByteScale(part.codes, call), y, same);
    for (std::int64_t row = rows.begin; row < rows.end; row++) {
      const std::uint8_t* src = call.in<std::uint8_t>(part.data) + row * part.row;
      std::uint8_t* dst = call.out<std::uint8_t>() + row * args.row + part.offset;
      for (std::int64_t i = 0; i < part.row; i++) dst[i] = table[src[i]];
    }
  }
}

Result<Step> prepare_concat(PrepareContext& context) {
  ADZE_TRY(ConcatArgs args, concat_of(context));
  const auto parts = static_cast<int>(
      std::min<std::int64_t>(std::max<std::int64_t>(args.rows, 1), elementwise_parts(args.rows * args.row)));
  Step step = make_step<run_concat>(std::move(args), "quantized_concat");
  step.max_parts = parts;
  return step;
}

Result<Lanes> lanes_of_concat(const InferContext& context) {
  const int rank = context.shape(kFirst).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, rank));
  LaneNames names = lanes_from_left(rank);
  names[static_cast<std::size_t>(axis)] = kMixed;
  Lanes lanes;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  for (std::size_t i = kFirst; i < lanes.inputs.size(); i += kPerPart) lanes.inputs[i] = names;
  lanes.outputs = {names};
  return lanes;
}

// ---- QLinearWhere ---------------------------------------------------------------------------------------------------

enum Input { kCondition, kX, kXScale, kXZero, kY, kYScale, kYZero, kZScale, kZZero };

struct WhereArgs {
  ByteCodes x, y, z;
  BroadcastLoop loop;
};

Result<Shape> where_shape(const auto& context) {
  const auto chosen = broadcast(context.in(kX).shape, context.in(kY).shape);
  const auto result = chosen ? broadcast(*chosen, context.in(kCondition).shape) : chosen;
  if (!result) return make_error(Code::invalid_model, "the inputs' shapes don't broadcast");
  return *result;
}

Result<WhereArgs> where_of(const auto& context) {
  const DType type = context.in(kX).type;
  if (context.in(kY).type != type) return make_error(Code::invalid_model, "operands differ in type");
  ADZE_TRY(const Shape result, where_shape(context));
  ADZE_TRY(const ByteCodes x, byte_codes(context, type, kXScale, kXZero));
  ADZE_TRY(const ByteCodes y, byte_codes(context, type, kYScale, kYZero));
  ADZE_TRY(const ByteCodes z, byte_codes(context, type, kZScale, kZZero));
  return WhereArgs{x, y, z,
                   BroadcastLoop(result, std::vector<Shape>{context.in(kCondition).shape, context.in(kX).shape,
                                                            context.in(kY).shape})};
}

Result<void> infer_where(InferContext& context) {
  ADZE_CHECK(where_of(context));
  ADZE_TRY(const Shape result, where_shape(context));
  context.set_shape(0, result);
  return {};
}

void run_where(const WhereArgs& args, const Call& call) {
  const ByteScale z(args.z, call);
  const auto from_x = code_table(ByteScale(args.x, call), z, same),
             from_y = code_table(ByteScale(args.y, call), z, same);
  const int c_step = args.loop.step(0), x_step = args.loop.step(1), y_step = args.loop.step(2);
  args.loop.for_stretches(
      call.slice.of(args.loop.elements(), 64), [&](std::int64_t first, std::int64_t n, const auto& offsets) {
        const bool* c = call.in<bool>(kCondition) + offsets[0];
        const auto *x = call.in<std::uint8_t>(kX) + offsets[1], *y = call.in<std::uint8_t>(kY) + offsets[2];
        for (std::int64_t i = 0; i < n; i++) {
          call.out<std::uint8_t>()[first + i] = c[i * c_step] ? from_x[x[i * x_step]] : from_y[y[i * y_step]];
        }
      });
}

Result<Step> prepare_where(PrepareContext& context) {
  ADZE_TRY(WhereArgs args, where_of(context));
  const int parts = elementwise_parts(args.loop.elements());
  Step step = make_step<run_where>(std::move(args), "quantized_where");
  step.max_parts = parts;
  return step;
}

Result<Lanes> lanes_of_where(const InferContext& context) {
  Lanes lanes;
  lanes.broadcasts = true;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  for (const int i : {kCondition, kX, kY}) {
    lanes.inputs[static_cast<std::size_t>(i)] = lanes_from_right(context.shape(i).rank());
  }
  lanes.outputs = {lanes_from_right(context.outputs()[0].shape.rank())};
  return lanes;
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAxis[] = {{"axis", AttrKind::integer, true}};
constexpr TypeMask kScale = types(DType::f32);
constexpr TypeMask kConcatTypes[] = {kScale, kCodeBytes, kCodeBytes | kScale};
constexpr TypeMask kWhereTypes[] = {
    types(DType::boolean), kCodeBytes, kScale, kCodeBytes, kCodeBytes, kScale, kCodeBytes, kScale, kCodeBytes};
DType type_of_input_1(const Node&, std::span<const DType> inputs, int) { return inputs[1]; }

constexpr OpDef kOps[] = {{.name = "QLinearConcat",
                           .domain = "com.microsoft",
                           .versions = kVersions,
                           .attributes = kAxis,
                           .inputs = {kFirst + kPerPart, kVariadic},
                           .input_types = kConcatTypes,
                           .own_type = ~0u,
                           .output_type = type_of_input_1,
                           .infer = infer_concat,
                           .prepare = prepare_concat,
                           .lanes = lanes_of_concat},
                          {.name = "QLinearWhere",
                           .domain = "com.microsoft",
                           .versions = kVersions,
                           .inputs = {9, 9},
                           .input_types = kWhereTypes,
                           .output_type = type_of_input_1,
                           .infer = infer_where,
                           .prepare = prepare_where,
                           .lanes = lanes_of_where}};

}  // namespace
extern const std::span<const OpDef> ops_quantized_select;
constinit const std::span<const OpDef> ops_quantized_select{kOps};

}  // namespace adze
