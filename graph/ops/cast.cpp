// Cast and CastLike among all types that are stored. Floats become integers by truncation; ONNX leaves open what
// happens to those that don't fit: 32 and 64 bits saturate, narrower integers keep the low bits of the saturated 32.
// NaN becomes 0. Conversions to floats round to nearest, ties to
// even; those to bfloat16 and to narrow floats go by way of float, as in ONNX's reference.
#include <bit>
#include <cmath>
#include <limits>

#include "graph/batch/lanes.h"
#include "graph/elements.h"
#include "graph/elementwise.h"
#include "graph/evaluate.h"

namespace adze {
namespace {

constexpr int kCast[] = {1, 6, 9, 13, 19, 21, 23, 24, 25, 28}, kCastLike[] = {15, 19, 21, 23, 24, 25};
constexpr AttrSpec kCastAttributes[] = {
    {"to", AttrKind::integer, true, 1, 255}, {"saturate", AttrKind::integer}, {"round_mode", AttrKind::string}};
constexpr AttrSpec kLikeAttributes[] = {{"saturate", AttrKind::integer}, {"round_mode", AttrKind::string}};
constexpr TypeMask kTypes[] = {kStored};

DType target(const Node& node) { return static_cast<DType>(node.attributes.integer("to", 0)); }

Result<NarrowRounding> rounding_of(const Node& node) {
  const std::string name = node.attributes.string("round_mode", "up");
  const auto scale = scale_rounding(name);
  if (!scale) return make_error(Code::invalid_model, "attribute \"round_mode\" is \"", name, '"');
  return NarrowRounding{node.attributes.integer("saturate", 1) != 0, *scale};
}

Result<void> check_rounding(const Node& node) {
  ADZE_CHECK(rounding_of(node));
  return {};
}
Result<void> check(const Node& node) {
  if (!(kStored & mask_of(target(node)))) {
    return make_error(Code::unsupported, "a cast to element type ", node.attributes.integer("to", 0),
                      " is not supported");
  }
  return check_rounding(node);
}

template <class To, class From>
To convert(From from) {
  if constexpr (std::is_same_v<To, bool>) {
    return from != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if constexpr (sizeof(To) < 4) {
      return static_cast<To>(convert<std::int32_t>(from));
    } else {
      using Limits = std::numeric_limits<To>;
      if (std::isnan(from)) return 0;
      if (from <= static_cast<From>(Limits::lowest())) return Limits::lowest();
      if (from >= static_cast<From>(Limits::max())) return Limits::max();
      return static_cast<To>(from);
    }
  } else {
    return static_cast<To>(from);
  }
}

// `value` cut off to float, with the last bit set where something was lost: rounding that again, to Float16, rounds
// `value` once.
template <class From>
float round_to_odd(From value) {
  const auto nearest = static_cast<float>(value);
  const auto exact = static_cast<long double>(value), found = static_cast<long double>(nearest);
  if (found == exact || std::isnan(nearest)) return nearest;
  const auto bits = std::bit_cast<std::uint32_t>(nearest);
  return std::bit_cast<float>((std::fabs(found) > std::fabs(exact) ? bits - 1 : bits) | 1u);
}

struct Args {
  DType from, to;
  NarrowRounding rounding;
  std::int64_t elements;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 64);
  const auto store = [&]<class To>(TypeTag<To>, auto value_at) {
    To* dst = call.out<To>();
    for (std::int64_t i = range.begin; i < range.end; i++) dst[i] = static_cast<To>(value_at(i));
  };
  constexpr TypeTag<std::uint8_t> kByte;
  with_reader(args.from, [&](auto read) {
    const auto get = [&, src = call.in<std::byte>()](std::int64_t i) { return read(src, i); };
    if (is_narrow_float(args.to)) {
      store(kByte, [&](std::int64_t i) { return encode(args.to, convert<float>(get(i)), args.rounding); });
    } else if (is_narrow_int(args.to)) {
      store(kByte, [&](std::int64_t i) { return wrap(args.to, convert<std::uint8_t>(get(i))); });
    } else {
      dispatch(args.to, [&]<class To>(TypeTag<To> tag) {
        store(tag, [&](std::int64_t i) {
          if constexpr (std::is_same_v<To, Float16>) return round_to_odd(get(i));
          return convert<Compute<To>>(get(i));
        });
      });
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const DType from = context.in(0).type, to = context.out().type;
  if (from == to || carrier_of(from) == to) return view_step();
  ADZE_TRY(const NarrowRounding rounding, rounding_of(context.node));
  const Args args{from, to, rounding, context.in(0).elements()};
  Step step = make_step<run>(args, "cast");
  step.max_parts = elementwise_parts(args.elements);
  step.unread = 0b10;
  return step;
}

// Only the type of input 1 matters, so a constant is converted whatever that input holds.
Result<void> infer_like(InferContext& context) {
  if (const Tensor* data = context.in(0).value) {
    Node cast = context.node;
    cast.op = find_op("", "Cast");
    cast.attributes.set("to", static_cast<std::int64_t>(context.in(1).type));
    ADZE_TRY(auto converted, evaluate(cast, std::span(&data, 1)));
    context.set_value(0, std::move(converted[0]));
  }
  return infer_same_shape(context);
}

Result<Lanes> lanes_of_like(const InferContext& context) {
  ADZE_TRY(Lanes lanes, lanes_elementwise(context));
  lanes.inputs.resize(1);
  lanes.typing = 1;
  return lanes;
}

constexpr OpDef kOps[] = {{.name = "Cast",
                           .versions = kCast,
                           .attributes = kCastAttributes,
                           .input_types = kTypes,
                           .output_type = [](const Node& node, std::span<const DType>, int) { return target(node); },
                           .check = check,
                           .infer = infer_same_shape,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent},
                          {.name = "CastLike",
                           .versions = kCastLike,
                           .attributes = kLikeAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .own_type = 0b10,
                           .output_type = [](const Node&, std::span<const DType> inputs, int) { return inputs[1]; },
                           .check = check_rounding,
                           .infer = infer_like,
                           .prepare = prepare,
                           .lanes = lanes_of_like}};

}  // namespace
extern const std::span<const OpDef> ops_cast;
constinit const std::span<const OpDef> ops_cast{kOps};

}  // namespace adze
