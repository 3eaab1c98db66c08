// Operations on the bits of integers, and BitCast.
#include "graph/elementwise.h"

namespace adze {
namespace {

enum class Op { both, either, differ, left, right };

Op op_of(const Node& node) {
  if (node.op->name == "BitwiseAnd") return Op::both;
  if (node.op->name == "BitwiseOr") return Op::either;
  if (node.op->name == "BitwiseXor") return Op::differ;
  return node.attributes.string("direction", "") == "LEFT" ? Op::left : Op::right;
}

// A shift by the type's width or more, or by a negative amount, leaves only copies of the sign.
template <class T>
T shift(Op op, T x, T amount) {
  constexpr int kBits = sizeof(T) * 8;
  const bool whole = amount < 0 || static_cast<std::make_unsigned_t<T>>(amount) >= static_cast<unsigned>(kBits);
  if (op == Op::left) {
    return whole ? T{0} : static_cast<T>(static_cast<std::uint64_t>(x) << static_cast<int>(amount));
  }
  if (whole) return x < 0 ? static_cast<T>(-1) : T{0};
  return static_cast<T>(x >> static_cast<int>(amount));
}

template <class T>
T apply(Op op, T a, T b) {
  switch (op) {
    case Op::both:
      return static_cast<T>(a & b);
    case Op::either:
      return static_cast<T>(a | b);
    case Op::differ:
      return static_cast<T>(a ^ b);
    default:
      return shift<T>(op, a, b);
  }
}

template <class F>
void dispatch_int(DType type, F f) {
  dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) f(tag);
  });
}

struct Args {
  Op op;
  DType type;
  BroadcastLoop loop;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.loop.elements(), 16);
  dispatch_int(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    zip(args.loop, range, call.in<T>(0), call.in<T>(1), call.out<T>(),
        [&](T x, T y) { return apply<T>(args.op, x, y); });
  });
}

Result<Step> prepare(PrepareContext& context) {
  Args args{op_of(context.node), context.in(0).type, BroadcastLoop(context.out().shape, broadcast_operands(context))};
  const int parts = elementwise_parts(args.loop.elements());
  Step step = make_step<run>(std::move(args), "bitwise");
  step.max_parts = parts;
  return step;
}

struct NotArgs {
  DType type;
  std::int64_t elements;
};
void run_not(const NotArgs& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch_int(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) call.out<T>()[i] = static_cast<T>(~call.in<T>()[i]);
  });
}
Result<Step> prepare_not(PrepareContext& context) {
  Step step = make_step<run_not>(NotArgs{context.in(0).type, context.in(0).elements()}, "bitwise_not");
  step.max_parts = elementwise_parts(context.in(0).elements());
  step.in_place = 1;
  return step;
}

Result<void> check_direction(const Node& node) {
  const std::string direction = node.attributes.string("direction", "");
  if (direction == "LEFT" || direction == "RIGHT") return {};
  return make_error(Code::invalid_model, "attribute \"direction\" is \"", direction, '"');
}

DType cast_type(const Node& node, std::span<const DType>, int) {
  return static_cast<DType>(node.attributes.integer("to", 0));
}
// Bits as they lie in memory: not of narrow types below eight bits, which have a byte each there.
constexpr TypeMask kBits = kAnyType | kFloat8 | types(DType::f8e8m0);

Result<void> check_cast(const Node& node) {
  if (mask_of(cast_type(node, {}, 0)) & kBits) return {};
  return make_error(Code::unsupported, "its \"to\" is not supported");
}
Result<void> infer_cast(InferContext& context) {
  if (size_of(context.outputs()[0].type) != size_of(context.in(0).type)) {
    return make_error(Code::invalid_model, "types of another width");
  }
  return infer_same_shape(context);
}

constexpr int kShift[] = {11, 28}, kBitwise[] = {18}, kBitCast[] = {26};
constexpr TypeMask kIntTypes[] = {kInts}, kBitTypes[] = {kBits};
constexpr AttrSpec kDirection[] = {{"direction", AttrKind::string, true}};
constexpr AttrSpec kTo[] = {{"to", AttrKind::integer, true, 1, 255}};

constexpr OpDef op(std::string_view name) {
  return {.name = name,
          .versions = kBitwise,
          .inputs = {2, 2},
          .input_types = kIntTypes,
          .infer = infer_broadcast,
          .prepare = prepare,
          .lanes = lanes_elementwise,
          .layout = LayoutRule::transparent};
}
constexpr OpDef kOps[] = {op("BitwiseAnd"),
                          op("BitwiseOr"),
                          op("BitwiseXor"),
                          {.name = "BitwiseNot",
                           .versions = kBitwise,
                           .input_types = kIntTypes,
                           .infer = infer_same_shape,
                           .prepare = prepare_not,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent},
                          {.name = "BitShift",
                           .versions = kShift,
                           .attributes = kDirection,
                           .inputs = {2, 2},
                           .input_types = kIntTypes,
                           .check = check_direction,
                           .infer = infer_broadcast,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent},
                          {.name = "BitCast",
                           .versions = kBitCast,
                           .attributes = kTo,
                           .input_types = kBitTypes,
                           .output_type = cast_type,
                           .check = check_cast,
                           .infer = infer_cast,
                           .prepare = [](PrepareContext&) -> Result<Step> { return view_step(); },
                           .lanes = lanes_elementwise,
                           .note = "no types below 8 bits"}};

}  // namespace
extern const std::span<const OpDef> ops_bitwise;
constinit const std::span<const OpDef> ops_bitwise{kOps};

}  // namespace adze
