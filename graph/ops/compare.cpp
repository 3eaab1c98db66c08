// Comparisons and logic: results are bool.
#include "graph/elementwise.h"

namespace adze {
namespace {

enum class Op { equal, less, greater, less_equal, greater_equal, both, either, differ };

struct Name {
  std::string_view name;
  Op op;
};
constexpr Name kNames[] = {{"Equal", Op::equal},
                           {"Less", Op::less},
                           {"Greater", Op::greater},
                           {"LessOrEqual", Op::less_equal},
                           {"GreaterOrEqual", Op::greater_equal},
                           {"And", Op::both},
                           {"Or", Op::either},
                           {"Xor", Op::differ}};

Op op_of(const Node& node) {
  for (const auto& [name, op] : kNames) {
    if (name == node.op->name) return op;
  }
  return Op::equal;
}

template <class T>
bool apply(Op op, T a, T b) {
  switch (op) {
    case Op::equal:
      return a == b;
    case Op::less:
      return a < b;
    case Op::greater:
      return a > b;
    case Op::less_equal:
      return a <= b;
    case Op::greater_equal:
      return a >= b;
    case Op::both:
      return static_cast<bool>(a) && static_cast<bool>(b);
    case Op::either:
      return static_cast<bool>(a) || static_cast<bool>(b);
    case Op::differ:
      return static_cast<bool>(a) != static_cast<bool>(b);
  }
  return false;
}

struct Args {
  Op op;
  DType type;
  BroadcastLoop loop;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.loop.elements(), 16);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    zip(args.loop, range, call.in<T>(0), call.in<T>(1), call.out<bool>(),
        [&](T x, T y) { return apply<Compute<T>>(args.op, static_cast<Compute<T>>(x), static_cast<Compute<T>>(y)); });
  });
}

Result<Step> prepare(PrepareContext& context) {
  Args args{op_of(context.node), context.in(0).type, BroadcastLoop(context.out().shape, broadcast_operands(context))};
  const int parts = elementwise_parts(args.loop.elements());
  Step step = make_step<run>(std::move(args), "compare");
  step.max_parts = parts;
  return step;
}

void run_not(const std::int64_t& elements, const Call& call) {
  const Range range = call.slice.of(elements, 16);
  for (std::int64_t i = range.begin; i < range.end; i++) call.out<bool>()[i] = !call.in<bool>()[i];
}

Result<Step> prepare_not(PrepareContext& context) {
  const std::int64_t elements = context.in(0).elements();
  Step step = make_step<run_not>(elements, "not");
  step.max_parts = elementwise_parts(elements);
  step.in_place = 1;
  return step;
}

DType boolean(const Node&, std::span<const DType>, int) { return DType::boolean; }

constexpr TypeMask kAny[] = {kAnyType};
constexpr TypeMask kNumberTypes[] = {kNumbers};
constexpr TypeMask kBool[] = {types(DType::boolean)};
constexpr AttrSpec kLegacy[] = {{"broadcast", AttrKind::integer}, {"axis", AttrKind::integer}};
constexpr int kEqual[] = {1, 7, 11, 13, 19}, kLess[] = {1, 7, 9, 13}, kLessOrEqual[] = {12, 16}, kLogic[] = {1, 7};
constexpr int kNot[] = {1};

constexpr OpDef op(std::string_view name, std::span<const int> versions, std::span<const TypeMask> types) {
  return {.name = name,
          .versions = versions,
          .attributes = kLegacy,
          .inputs = {2, 2},
          .input_types = types,
          .output_type = boolean,
          .infer = infer_broadcast,
          .prepare = prepare,
          .lanes = lanes_elementwise,
          .layout = LayoutRule::transparent};
}
constexpr OpDef kOps[] = {op("Equal", kEqual, kAny),
                          op("Less", kLess, kNumberTypes),
                          op("Greater", kLess, kNumberTypes),
                          op("LessOrEqual", kLessOrEqual, kNumberTypes),
                          op("GreaterOrEqual", kLessOrEqual, kNumberTypes),
                          op("And", kLogic, kBool),
                          op("Or", kLogic, kBool),
                          op("Xor", kLogic, kBool),
                          {.name = "Not",
                           .versions = kNot,
                           .input_types = kBool,
                           .infer = infer_same_shape,
                           .prepare = prepare_not,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent}};

}  // namespace
extern const std::span<const OpDef> ops_compare;
constinit const std::span<const OpDef> ops_compare{kOps};

}  // namespace adze
