// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: y = x / scale + zero point and back, with one pair for all,
// one per position of an axis, or one per block along it. Rounding is to nearest, ties to even.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elements.h"
#include "graph/elementwise.h"
#include "graph/quantized.h"

namespace adze {
namespace {

constexpr TypeMask kQuantized =
    types(DType::u8, DType::i8, DType::u16, DType::i16, DType::f4e2m1) | kFloat8 | kNarrowInts;
constexpr TypeMask kReal = kFloats | types(DType::i32), kScale = kFloats | types(DType::f8e8m0);

// Which scale an element has: outer x axis x inner elements; the scales outer? x blocks x inner?.
struct Scales {
  std::int64_t elements = 0, axis = 1, inner = 1, block = 1, blocks = 1;
  enum class Kind { one, per_axis, blocked } kind = Kind::one;

  std::int64_t at(std::int64_t i) const {
    if (kind == Kind::one) return 0;
    const std::int64_t a = i / inner % axis;
    if (kind == Kind::per_axis) return a;
    return (i / (inner * axis) * blocks + a / block) * inner + i % inner;
  }
};

Result<Scales> scales_of(const Node& node, const Shape& data, const Shape& scale) {
  Scales s;
  s.elements = data.elements();
  const std::int64_t block = node.attributes.integer("block_size", 0);
  if (block == 0 && scale.elements() == 1 && scale.rank() <= 1) return s;
  ADZE_TRY(const int axis, axis_attribute(node, 1, data.rank()));
  s.axis = data[axis];
  s.inner = data.elements(axis + 1, data.rank());
  if (block == 0) {
    s.kind = Scales::Kind::per_axis;
    if (scale == Shape{s.axis}) return s;
  } else {
    s.kind = Scales::Kind::blocked;
    s.block = block;
    s.blocks = (s.axis + block - 1) / block;
    Shape want = data;
    want[axis] = s.blocks;
    if (scale == want) return s;
  }
  return make_error(Code::invalid_model, "scale ", to_string(scale), " doesn't fit ", to_string(data));
}

Result<void> infer(InferContext& context) {
  ADZE_CHECK(scales_of(context.node, context.shape(0), context.shape(1)));
  if (context.has(2) && context.shape(2) != context.shape(1)) {
    const auto is_one = [&](const Shape& shape) { return shape.rank() <= 1 && shape.elements() == 1; };
    if (!is_one(context.shape(1)) || !is_one(context.shape(2)))
      return make_error(Code::invalid_model, "scale and zero point differ in shape");
  }
  return infer_same_shape(context);
}
Result<void> infer_dequantize(InferContext& context) {
  if (context.has(2) && context.in(2).type != context.in(0).type)
    return make_error(Code::invalid_model, "data and zero point differ in type");
  return infer(context);
}

Result<Lanes> lanes_of(const InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const Scales scales, scales_of(context.node, data, context.shape(1)));
  if (scales.kind == Scales::Kind::one)
    return lanes_except(context, std::vector<bool>(static_cast<std::size_t>(data.rank())));
  // Blocked scales have the data's other axes.
  ADZE_TRY(const int axis, axis_attribute(context.node, 1, data.rank()));
  return lanes_except(context, axis, scales.kind == Scales::Kind::blocked ? context.input_count() : 1);
}

struct Args {
  DType from, scale, to;
  DType division;       // QuantizeLinear: the precision of x / scale
  bool round_operands;  // to that precision first, as the attribute "precision" asks
  Scales scales;
  bool zero_point;
  NarrowRounding rounding;
};

// Calls f with the C++ type of a quantised integer's bytes.
template <class F>
void dispatch_quantized(DType type, F f) {
  dispatch(carrier_of(type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4 && !std::is_same_v<T, bool>) f(tag);
  });
}

// Element `at` of the scales, for those whose type is not the one that is computed in.
double converted_scale(const Args& args, const Call& call, std::int64_t at) {
  if (args.scale == DType::f8e8m0) return static_cast<double>(values_of(args.scale)[call.in<std::uint8_t>(1)[at]]);
  return dispatch_float(
      args.scale, [&]<class T>(TypeTag<T>) { return static_cast<double>(static_cast<Compute<T>>(call.in<T>(1)[at])); });
}
template <class S>
Compute<S> scale_at(const Args& args, const Call& call, std::int64_t at) {
  if (args.scale == dtype_of<S>) return static_cast<Compute<S>>(call.in<S>(1)[at]);
  return static_cast<Compute<S>>(static_cast<S>(static_cast<Compute<S>>(converted_scale(args, call, at))));
}

// Calls f(get): get(i, at) is x / scale of element i, whose scale has index `at`.
template <class F>
void with_quotients(const Args& args, const Call& call, F f) {
  dispatch(args.from, [&]<class From>(TypeTag<From>) {
    if constexpr ((mask_of(dtype_of<From>) & kReal) != 0) {
      dispatch_float(args.division, [&]<class S>(TypeTag<S>) {
        f([&](std::int64_t i, std::int64_t at) {
          auto x = static_cast<Compute<S>>(static_cast<Compute<From>>(call.in<From>()[i]));
          if (args.round_operands) x = static_cast<Compute<S>>(static_cast<S>(x));
          return static_cast<double>(static_cast<Compute<S>>(static_cast<S>(x / scale_at<S>(args, call, at))));
        });
      });
    }
  });
}

void run_quantize(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.scales.elements, 64);
  with_quotients(args, call, [&](auto quotient) {
    if (is_narrow_float(args.to)) {
      const auto& values = values_of(args.to);
      for (std::int64_t i = range.begin; i < range.end; i++) {
        const std::int64_t at = args.scales.at(i);
        auto x = static_cast<float>(quotient(i, at));
        const float zero = args.zero_point ? values[call.in<std::uint8_t>(2)[at]] : 0.0f;
        if (zero != 0) x += zero;  // adding 0 would take the sign off -0
        call.out<std::uint8_t>()[i] = encode(args.to, x, args.rounding);
      }
      return;
    }
    dispatch_quantized(args.to, [&]<class To>(TypeTag<To>) {
      const CodeLimits limits = limits_of<To>(args.to);
      for (std::int64_t i = range.begin; i < range.end; i++) {
        const std::int64_t at = args.scales.at(i);
        const double zero = args.zero_point ? static_cast<double>(call.in<To>(2)[at]) : 0;
        call.out<To>()[i] = nearest_code<To>(quotient(i, at), zero, limits);
      }
    });
  });
}

// Calls f(get): get(i, at) is x - zero point of element i, whose zero point has index `at`.
template <class F>
void with_steps(const Args& args, const Call& call, F f) {
  if (is_narrow_float(args.from)) {
    const auto& values = values_of(args.from);
    f([&](std::int64_t i, std::int64_t at) {
      const float x = values[call.in<std::uint8_t>()[i]];
      const float zero = args.zero_point ? values[call.in<std::uint8_t>(2)[at]] : 0.0f;
      return x - zero;
    });
    return;
  }
  dispatch_quantized(args.from, [&]<class From>(TypeTag<From>) {
    f([&](std::int64_t i, std::int64_t at) {
      const std::int64_t zero = args.zero_point ? static_cast<std::int64_t>(call.in<From>(2)[at]) : 0;
      return static_cast<std::int64_t>(call.in<From>()[i]) - zero;
    });
  });
}

void run_dequantize(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.scales.elements, 64);
  with_steps(args, call, [&](auto steps) {
    dispatch_float(args.division, [&]<class S>(TypeTag<S>) {
      dispatch_float(args.to, [&]<class To>(TypeTag<To>) {
        for (std::int64_t i = range.begin; i < range.end; i++) {
          const std::int64_t at = args.scales.at(i);
          const Compute<S> product = static_cast<Compute<S>>(steps(i, at)) * scale_at<S>(args, call, at);
          call.out<To>()[i] = static_cast<To>(static_cast<Compute<To>>(product));
        }
      });
    });
  });
}

DType type_attribute(const Node& node, std::string_view name) {
  return static_cast<DType>(node.attributes.integer(name, 0));
}

template <auto Run>
Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Scales scales, scales_of(context.node, context.in(0).shape, context.in(1).shape));
  const DType scale = context.in(1).type, precision = type_attribute(context.node, "precision");
  Args args{context.in(0).type,
            scale,
            context.out().type,
            scale,
            precision != DType::undefined,
            scales,
            context.has(2),
            {context.node.attributes.integer("saturate", 1) != 0}};
  if (args.round_operands) args.division = precision;
  if (args.division == DType::f8e8m0) args.division = DType::f32;
  Step step = make_step<Run>(args, "quantize");
  step.max_parts = elementwise_parts(scales.elements);
  return step;
}

DType quantized_type(const Node& node, std::span<const DType> in, int) {
  if (in.size() > 2 && in[2] != DType::undefined) return in[2];
  const DType given = type_attribute(node, "output_dtype");
  return given == DType::undefined ? DType::u8 : given;
}
DType real_type(const Node& node, std::span<const DType> in, int) {
  const DType given = type_attribute(node, "output_dtype");
  if (given != DType::undefined) return given;
  return in[1] == DType::f8e8m0 ? DType::f32 : in[1];
}

Result<void> check_type(const Node& node, std::string_view name, TypeMask allowed) {
  const DType type = type_attribute(node, name);
  if (type == DType::undefined || (mask_of(type) & allowed)) return {};
  return make_error(Code::unsupported, "its \"", name, "\" ", node.attributes.integer(name, 0), " is not supported");
}
Result<void> check_quantized(const Node& node) {
  ADZE_CHECK(check_type(node, "precision", kFloats));
  return check_type(node, "output_dtype", kQuantized);
}
Result<void> check_real(const Node& node) { return check_type(node, "output_dtype", kFloats); }

// ---- DynamicQuantizeLinear ------------------------------------------------------------------------------------------

Result<void> infer_dynamic(InferContext& context) {
  context.set_shape(0, context.shape(0));
  context.set_shape(1, {});
  context.set_shape(2, {});
  return {};
}

Result<Lanes> lanes_of_dynamic(const InferContext&) {
  return make_error(Code::bad_input, "it takes scale and zero point from the whole batch");
}

void run_dynamic(const std::int64_t& elements, const Call& call) {
  if (call.slice.part != 0) return;
  float least = 0, most = 0;  // the range takes in 0, so that it has an exact code
  for (std::int64_t i = 0; i < elements; i++) {
    least = std::min(least, call.in()[i]);
    most = std::max(most, call.in()[i]);
  }
  const float scale = most == least ? 1.0f : (most - least) / 255.0f;
  const CodeLimits limits = limits_of<std::uint8_t>(DType::u8);
  const auto zero = nearest_code<std::uint8_t>(static_cast<double>(-least / scale), 0, limits);
  *call.out<float>(1) = most == least ? 0.0f : scale;
  *call.out<std::uint8_t>(2) = zero;
  for (std::int64_t i = 0; i < elements; i++) {
    call.out<std::uint8_t>()[i] = nearest_code<std::uint8_t>(static_cast<double>(call.in()[i] / scale), zero, limits);
  }
}
Result<Step> prepare_dynamic(PrepareContext& context) {
  return make_step<run_dynamic>(context.in(0).elements(), "dynamic_quantize");
}

constexpr int kVersions[] = {10, 13, 19, 21, 23, 24, 25, 28}, kDynamic[] = {11};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer},
                                    {"block_size", AttrKind::integer, false, 0},
                                    {"output_dtype", AttrKind::integer, false, 0, 255},
                                    {"precision", AttrKind::integer, false, 0, 255},  // QuantizeLinear alone from here
                                    {"saturate", AttrKind::integer}};
constexpr TypeMask kQuantizeTypes[] = {kReal, kScale, kQuantized};
constexpr TypeMask kDequantizeTypes[] = {kQuantized | types(DType::i32), kScale, kQuantized | types(DType::i32)};
constexpr TypeMask kF32[] = {types(DType::f32)};

constexpr OpDef kOps[] = {
    {.name = "QuantizeLinear",
     .versions = kVersions,
     .attributes = kAttributes,
     .inputs = {2, 3},
     .input_types = kQuantizeTypes,
     .output_type = quantized_type,
     .check = check_quantized,
     .infer = infer,
     .prepare = prepare<run_quantize>,
     .lanes = lanes_of,
     .note = "no int32 scale"},
    {.name = "DequantizeLinear",
     .versions = kVersions,
     .attributes = std::span(kAttributes).first<3>(),
     .inputs = {2, 3},
     .input_types = kDequantizeTypes,
     .output_type = real_type,
     .check = check_real,
     .infer = infer_dequantize,
     .prepare = prepare<run_dequantize>,
     .lanes = lanes_of},
    {.name = "DynamicQuantizeLinear",
     .versions = kDynamic,
     .outputs = {3, 3},
     .input_types = kF32,
     .output_type = [](const Node&, std::span<const DType>, int i) { return i == 1 ? DType::f32 : DType::u8; },
     .infer = infer_dynamic,
     .prepare = prepare_dynamic,
     .lanes = lanes_of_dynamic}};

}  // namespace
extern const std::span<const OpDef> ops_quantize;
constinit const std::span<const OpDef> ops_quantize{kOps};

}  // namespace adze
