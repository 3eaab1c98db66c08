// Arithmetic on two broadcast operands, and Min, Max, Sum, Mean on any number of them.
#include <cmath>

#include "graph/elementwise.h"
#include "kernels/eltwise/eltwise.h"

namespace adze {
namespace {

enum class Op { add, sub, mul, div, pow, mod, min, max, prelu };

struct Name {
  std::string_view name;
  Op op;
};
constexpr Name kNames[] = {{"Add", Op::add}, {"Sub", Op::sub},  {"Mul", Op::mul},    {"Div", Op::div},
                           {"Pow", Op::pow}, {"Mod", Op::mod},  {"Min", Op::min},    {"Max", Op::max},
                           {"Sum", Op::add}, {"Mean", Op::add}, {"PRelu", Op::prelu}};

Op op_of(const Node& node) {
  for (const auto& [name, op] : kNames) {
    if (name == node.op->name) return op;
  }
  return Op::add;
}

std::optional<BinaryOp> vector_op(Op op) {
  switch (op) {
    case Op::add:
      return BinaryOp::add;
    case Op::sub:
      return BinaryOp::sub;
    case Op::mul:
      return BinaryOp::mul;
    case Op::div:
      return BinaryOp::div;
    case Op::min:
      return BinaryOp::min;
    case Op::max:
      return BinaryOp::max;
    case Op::prelu:
      return BinaryOp::prelu;
    default:
      return std::nullopt;
  }
}

struct Args {
  BinaryFn kernel;
  Op op;
  bool fmod;
  DType type, second_type;
  // One loop per operand after the first: the result so far with that operand. With one operand, none.
  std::vector<BroadcastLoop> loops;
  std::int64_t elements;
  float scale;                        // of the sum, for Mean
  std::optional<BroadcastLoop> copy;  // a single operand
};

// ---- scalar arithmetic ----------------------------------------------------------------------------------------------

template <class T>
T modulo(T a, T b, bool fmod) {
  if constexpr (std::is_floating_point_v<T>) {
    const T rest = std::fmod(a, b);
    if (fmod) return rest;
    if (rest == 0) return std::copysign(rest, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
  } else {
    if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
    const T rest = static_cast<T>(a % b);
    return !fmod && rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
  }
}

template <class T>
T quotient(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    using Wrap = std::make_unsigned_t<T>;
    if (b == 0) return 0;  // reported before
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(Wrap{0} - static_cast<Wrap>(a));
    return static_cast<T>(a / b);
  }
}

// Unsigned arithmetic wraps, but types narrower than int are computed in int, which doesn't.
template <class T>
using Wrapping = std::common_type_t<std::make_unsigned_t<T>, unsigned>;

// Squares, roots and the like are exact or correctly rounded; the rest goes through double, far below a float's ulp.
template <class T>
T power(T a, double b) {
  if constexpr (std::is_integral_v<T>) {
    if (b >= 0 && b < 0x1p64 && b == std::floor(b)) {
      Wrapping<T> result = 1, base = static_cast<Wrapping<T>>(a);
      for (auto e = static_cast<std::uint64_t>(b); e; e >>= 1) {
        if (e & 1) result *= base;
        base *= base;
      }
      return static_cast<T>(result);
    }
    const double value = std::pow(static_cast<double>(a), b);
    return std::fabs(value) < 9e18 ? static_cast<T>(static_cast<std::int64_t>(value)) : T{0};
  } else {
    if (b == 2) return a * a;
    if (b == 1) return a;
    return static_cast<T>(std::pow(static_cast<double>(a), b));
  }
}

template <class T>
T wrapping(Op op, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<Wrapping<T>>(a), y = static_cast<Wrapping<T>>(b);
    return static_cast<T>(op == Op::add ? x + y : op == Op::sub ? x - y : x * y);
  } else {
    return op == Op::add ? a + b : op == Op::sub ? a - b : a * b;
  }
}

template <class T>
T apply(Op op, T a, T b, bool fmod) {
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
      return wrapping(op, a, b);
    case Op::div:
      return quotient(a, b);
    case Op::mod:
      return modulo(a, b, fmod);
    case Op::prelu:
      return a < 0 ? wrapping(Op::mul, a, b) : a;
    case Op::min:
      return a != a || b != b ? (a != a ? a : b) : std::min(a, b);
    case Op::max:
      return a != a || b != b ? (a != a ? a : b) : std::max(a, b);
    case Op::pow:
      return a;  // by power()
  }
  return a;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

template <class T>
void combine(const Args& args, const BroadcastLoop& loop, Range range, const T* a, const T* b, T* dst) {
  const auto op = vector_op(args.op);
  if constexpr (std::is_same_v<T, float>) {
    if (op) {
      loop.for_stretches(range, [&](std::int64_t first, std::int64_t n, const auto& offsets) {
        args.kernel(*op, a + offsets[0], loop.step(0), b + offsets[1], loop.step(1), dst + first, n);
      });
      return;
    }
  }
  zip(loop, range, a, b, dst, [&](T x, T y) {
    return static_cast<T>(
        apply<Compute<T>>(args.op, static_cast<Compute<T>>(x), static_cast<Compute<T>>(y), args.fmod));
  });
}

template <class T>
bool has_zero(const BroadcastLoop& loop, Range range, const T* b) {
  bool found = false;
  loop.for_stretches(range, [&](std::int64_t, std::int64_t n, const auto& offsets) {
    for (std::int64_t i = 0; i < n; i++) found |= b[offsets[1] + i * loop.step(1)] == T{0};
  });
  return found;
}

template <class T>
void run_as(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  if (range.empty()) return;
  T* dst = call.out<T>();
  if (args.copy) {
    zip(*args.copy, range, call.in<T>(0), call.in<T>(0), dst, [](T x, T) { return x; });
  }
  for (std::size_t i = 0; i < args.loops.size(); i++) {
    const T* a = i == 0 ? call.in<T>(0) : dst;
    const T* b = call.in<T>(static_cast<int>(i) + 1);
    if constexpr (std::is_integral_v<T>) {
      if ((args.op == Op::div || args.op == Op::mod) && has_zero(args.loops[i], range, b)) {
        call.failure.set("division of an integer by zero");
      }
    }
    combine(args, args.loops[i], range, a, b, dst);
  }
  if (args.scale != 1) {
    for (std::int64_t i = range.begin; i < range.end; i++) {
      dst[i] = static_cast<T>(static_cast<Compute<T>>(dst[i]) / static_cast<Compute<T>>(args.scale));
    }
  }
}

void run(const Args& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) run_as<T>(args, call);
  });
}

// The exponent may have another type than the base.
void run_pow(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch(args.type, [&](auto base_tag) {
    using T = typename decltype(base_tag)::type;
    dispatch(args.second_type, [&](auto exponent_tag) {
      using E = typename decltype(exponent_tag)::type;
      if constexpr (!std::is_same_v<T, bool> && !std::is_same_v<E, bool>) {
        zip(args.loops[0], range, call.in<T>(0), call.in<E>(1), call.out<T>(), [](T x, E y) {
          return static_cast<T>(
              power<Compute<T>>(static_cast<Compute<T>>(x), static_cast<double>(static_cast<Compute<E>>(y))));
        });
      }
    });
  });
}

Result<Step> prepare(PrepareContext& context) {
  const auto& kernel = binary_f32.best(context.isa);
  const Shape result = context.out().shape;
  const auto operands = broadcast_operands(context);
  Args args{kernel.fn,
            op_of(context.node),
            context.node.attributes.integer("fmod", 0) != 0,
            context.in(0).type,
            operands.size() > 1 ? context.in(1).type : context.in(0).type,
            {},
            result.elements(),
            1,
            std::nullopt};
  for (std::size_t i = 1; i < operands.size(); i++) {
    args.loops.emplace_back(result, std::vector<Shape>{i == 1 ? operands[0] : result, operands[i]});
  }
  if (operands.size() == 1) args.copy.emplace(result, std::vector<Shape>{operands[0], operands[0]});
  if (context.node.op->name == "Mean") args.scale = static_cast<float>(operands.size());
  const bool pow = args.op == Op::pow;
  Step step = pow ? make_step<run_pow>(args, "pow") : make_step<run>(args, concat("binary_f32/", isa_name(kernel.isa)));
  step.max_parts = elementwise_parts(args.elements);
  // With more than two operands the partial result overwrites what a later operand might share.
  for (int i = 0; i < 2 && operands.size() <= 2 && i < context.input_count(); i++) {
    const bool whole = operands[static_cast<std::size_t>(i)].elements() == args.elements;
    if (whole && context.in(i).type == context.out().type) step.in_place |= 1u << i;
  }
  return step;
}

Result<void> infer_prelu(InferContext& context) {
  ADZE_CHECK(infer_broadcast(context));
  if (context.outputs()[0].shape == context.shape(0)) return {};
  return make_error(Code::invalid_model, "slope ", to_string(context.shape(1)), " doesn't broadcast to ",
                    to_string(context.shape(0)));
}

constexpr TypeMask kNumberTypes[] = {kNumbers};
constexpr TypeMask kFloatTypes[] = {kFloats};
constexpr AttrSpec kLegacy[] = {{"broadcast", AttrKind::integer}, {"axis", AttrKind::integer}};
constexpr AttrSpec kMod[] = {{"fmod", AttrKind::integer}};
constexpr int kArithmetic[] = {1, 6, 7, 13, 14}, kPow[] = {1, 7, 12, 13, 15}, kModVersions[] = {10, 13, 28};
constexpr int kMinMax[] = {1, 6, 8, 12, 13}, kSum[] = {1, 6, 8, 13}, kPRelu[] = {1, 6, 7, 9, 16};

constexpr OpDef op(std::string_view name, std::span<const int> versions, Arity inputs,
                   std::span<const AttrSpec> attributes, std::span<const TypeMask> types = kNumberTypes) {
  return {.name = name,
          .versions = versions,
          .attributes = attributes,
          .inputs = inputs,
          .input_types = types,
          .infer = infer_broadcast,
          .prepare = prepare,
          .lanes = lanes_elementwise,
          .layout = LayoutRule::transparent};
}
constexpr OpDef pow() {
  OpDef def = op("Pow", kPow, {2, 2}, kLegacy);
  def.own_type = 0b10;
  return def;
}
constexpr OpDef prelu() {
  OpDef def = op("PRelu", kPRelu, {2, 2}, {});
  def.infer = infer_prelu;
  return def;
}
constexpr OpDef kOps[] = {op("Add", kArithmetic, {2, 2}, kLegacy),
                          op("Sub", kArithmetic, {2, 2}, kLegacy),
                          op("Mul", kArithmetic, {2, 2}, kLegacy),
                          op("Div", kArithmetic, {2, 2}, kLegacy),
                          pow(),
                          op("Mod", kModVersions, {2, 2}, kMod),
                          op("Min", kMinMax, {1, kVariadic}, {}),
                          op("Max", kMinMax, {1, kVariadic}, {}),
                          op("Sum", kSum, {1, kVariadic}, {}, kFloatTypes),
                          op("Mean", kSum, {1, kVariadic}, {}, kFloatTypes),
                          prelu()};

}  // namespace
extern const std::span<const OpDef> ops_binary;
constinit const std::span<const OpDef> ops_binary{kOps};

}  // namespace adze
