// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: y = x / scale + zero point and back, with one pair for all,
// one per position of an axis, or one per block along it. Rounding is to nearest, ties to even.
#include <cmath>
#include <limits>

#include "graph/axis.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr TypeMask kQuantized = types(DType::u8, DType::i8, DType::u16, DType::i16);

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
    return make_error(Code::invalid_model, "scale and zero point differ in shape");
  }
  return infer_same_shape(context);
}

struct Args {
  DType from, scale, to;
  Scales scales;
  bool zero_point;
};

template <class T>
T saturated(double x) {
  using Limits = std::numeric_limits<T>;
  return static_cast<T>(std::clamp(x, static_cast<double>(Limits::lowest()), static_cast<double>(Limits::max())));
}

template <class F>
void dispatch_quantized(DType type, F f) {
  dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4 && !std::is_same_v<T, bool>) f(tag);
  });
}

void run_quantize(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.scales.elements, 16);
  dispatch(args.from, [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    dispatch_float(args.scale, [&](auto scale_tag) {
      using S = typename decltype(scale_tag)::type;
      dispatch_quantized(args.to, [&](auto to_tag) {
        using To = typename decltype(to_tag)::type;
        for (std::int64_t i = range.begin; i < range.end; i++) {
          const std::int64_t at = args.scales.at(i);
          // The quotient in the scale's precision, as the definition has it.
          const S quotient = static_cast<S>(static_cast<Compute<S>>(static_cast<Compute<From>>(call.in<From>()[i])) /
                                            static_cast<Compute<S>>(call.in<S>(1)[at]));
          const double zero = args.zero_point ? static_cast<double>(call.in<To>(2)[at]) : 0;
          const auto x = static_cast<double>(static_cast<Compute<S>>(quotient));
          call.out<To>()[i] = std::isnan(x) ? To{0} : saturated<To>(std::nearbyint(x) + zero);
        }
      });
    });
  });
}

void run_dequantize(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.scales.elements, 16);
  dispatch_quantized(args.from, [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    dispatch_float(args.scale, [&](auto scale_tag) {
      using S = typename decltype(scale_tag)::type;
      dispatch_float(args.to, [&](auto to_tag) {
        using To = typename decltype(to_tag)::type;
        for (std::int64_t i = range.begin; i < range.end; i++) {
          const std::int64_t at = args.scales.at(i);
          const std::int64_t zero = args.zero_point ? static_cast<std::int64_t>(call.in<From>(2)[at]) : 0;
          const auto steps = static_cast<Compute<S>>(static_cast<std::int64_t>(call.in<From>()[i]) - zero);
          call.out<To>()[i] =
              static_cast<To>(static_cast<Compute<To>>(steps * static_cast<Compute<S>>(call.in<S>(1)[at])));
        }
      });
    });
  });
}

template <auto Run>
Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Scales scales, scales_of(context.node, context.in(0).shape, context.in(1).shape));
  Step step = make_step<Run>(Args{context.in(0).type, context.in(1).type, context.out().type, scales, context.has(2)},
                             "quantize");
  step.max_parts = elementwise_parts(scales.elements);
  return step;
}

DType given_type(const Node& node) { return static_cast<DType>(node.attributes.integer("output_dtype", 0)); }

DType quantized_type(const Node& node, std::span<const DType> in, int) {
  if (in.size() > 2 && in[2] != DType::undefined) return in[2];
  return given_type(node) == DType::undefined ? DType::u8 : given_type(node);
}
DType real_type(const Node& node, std::span<const DType> in, int) {
  return given_type(node) == DType::undefined ? in[1] : given_type(node);
}

Result<void> check_quantized(const Node& node) {
  const DType type = given_type(node);
  if (type == DType::undefined || (mask_of(type) & kQuantized)) return {};
  return make_error(Code::unsupported, "its \"output_dtype\" is not supported");
}
Result<void> check_real(const Node& node) {
  const DType type = given_type(node);
  if (type == DType::undefined || (mask_of(type) & kFloats)) return {};
  return make_error(Code::unsupported, "its \"output_dtype\" is not supported");
}

// ---- DynamicQuantizeLinear ------------------------------------------------------------------------------------------

Result<void> infer_dynamic(InferContext& context) {
  context.set_shape(0, context.shape(0));
  context.set_shape(1, {});
  context.set_shape(2, {});
  return {};
}

void run_dynamic(const std::int64_t& elements, const Call& call) {
  if (call.slice.part != 0) return;
  float least = 0, most = 0;  // the range takes in 0, so that it has an exact code
  for (std::int64_t i = 0; i < elements; i++) {
    least = std::min(least, call.in()[i]);
    most = std::max(most, call.in()[i]);
  }
  const float scale = most == least ? 1.0f : (most - least) / 255.0f;
  const auto zero = saturated<std::uint8_t>(std::nearbyint(static_cast<double>(-least / scale)));
  *call.out<float>(1) = most == least ? 0.0f : scale;
  *call.out<std::uint8_t>(2) = zero;
  for (std::int64_t i = 0; i < elements; i++) {
    call.out<std::uint8_t>()[i] =
        saturated<std::uint8_t>(std::nearbyint(static_cast<double>(call.in()[i] / scale)) + zero);
  }
}
Result<Step> prepare_dynamic(PrepareContext& context) {
  return make_step<run_dynamic>(context.in(0).elements(), "dynamic_quantize");
}

constexpr int kVersions[] = {10, 13, 19, 21, 23, 24, 25, 28}, kDynamic[] = {11};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer},
                                    {"block_size", AttrKind::integer, false, 0},
                                    {"output_dtype", AttrKind::integer, false, 0, 255},
                                    {"precision", AttrKind::integer},
                                    {"saturate", AttrKind::integer}};
constexpr TypeMask kQuantizeTypes[] = {kFloats | types(DType::i32), kFloats, kQuantized};
constexpr TypeMask kDequantizeTypes[] = {kQuantized | types(DType::i32), kFloats, kQuantized | types(DType::i32)};
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
     .prepare = prepare<run_quantize>},
    {.name = "DequantizeLinear",
     .versions = kVersions,
     .attributes = kAttributes,
     .inputs = {2, 3},
     .input_types = kDequantizeTypes,
     .output_type = real_type,
     .check = check_real,
     .infer = infer,
     .prepare = prepare<run_dequantize>},
    {.name = "DynamicQuantizeLinear",
     .versions = kDynamic,
     .outputs = {3, 3},
     .input_types = kF32,
     .output_type = [](const Node&, std::span<const DType>, int i) { return i == 1 ? DType::f32 : DType::u8; },
     .infer = infer_dynamic,
     .prepare = prepare_dynamic}};

}  // namespace
extern const std::span<const OpDef> ops_quantize;
constinit const std::span<const OpDef> ops_quantize{kOps};

}  // namespace adze
