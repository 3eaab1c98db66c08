// Cast among the dense numeric types, and CastLike. Floats become integers by truncation; what doesn't fit an integer
// is saturated (ONNX leaves it open), NaN becomes 0. 16-bit floats round to nearest even.
#include <cmath>
#include <limits>

#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr int kCast[] = {1, 6, 9, 13, 19, 21, 23, 24, 25}, kCastLike[] = {15, 19, 21, 23, 24, 25};
constexpr AttrSpec kCastAttributes[] = {
    {"to", AttrKind::integer, true, 1, 32}, {"saturate", AttrKind::integer}, {"round_mode", AttrKind::string}};
constexpr AttrSpec kLikeAttributes[] = {{"saturate", AttrKind::integer}, {"round_mode", AttrKind::string}};
constexpr TypeMask kTypes[] = {kAnyType};

Result<void> check(const Node& node) {
  const auto to = static_cast<DType>(node.attributes.integer("to", 0));
  if (!(kAnyType & mask_of(to))) {
    return make_error(Code::unsupported, "a cast to element type ", node.attributes.integer("to", 0),
                      " is not supported");
  }
  return {};
}

template <class To, class From>
To convert(From from) {
  if constexpr (std::is_same_v<To, bool>) {
    return from != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Small types wrap from int32, as a conversion in hardware does; 32 and 64 bits saturate.
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

struct Args {
  DType from, to;
  std::int64_t elements;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch(args.from, [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    dispatch(args.to, [&](auto to_tag) {
      using To = typename decltype(to_tag)::type;
      const From* src = call.in<From>();
      To* dst = call.out<To>();
      for (std::int64_t i = range.begin; i < range.end; i++) {
        const auto value = convert<Compute<To>>(static_cast<Compute<From>>(src[i]));
        dst[i] = static_cast<To>(value);
      }
    });
  });
}

Result<Step> prepare(PrepareContext& context) {
  if (context.in(0).type == context.out().type) return view_step();
  const Args args{context.in(0).type, context.out().type, context.in(0).elements()};
  Step step = make_step<run>(args, "cast");
  step.max_parts = elementwise_parts(args.elements);
  step.unread = 0b10;
  return step;
}

constexpr OpDef kOps[] = {{.name = "Cast",
                           .versions = kCast,
                           .attributes = kCastAttributes,
                           .input_types = kTypes,
                           .output_type = [](const Node& node, std::span<const DType>,
                                             int) { return static_cast<DType>(node.attributes.integer("to", 0)); },
                           .check = check,
                           .infer = infer_same_shape,
                           .prepare = prepare,
                           .layout = LayoutRule::transparent},
                          {.name = "CastLike",
                           .versions = kCastLike,
                           .attributes = kLikeAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType> inputs, int) { return inputs[1]; },
                           .infer = infer_same_shape,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_cast;
constinit const std::span<const OpDef> ops_cast{kOps};

}  // namespace adze
