// Arithmetic on one operand, element by element.
#include <cmath>

#include "graph/elementwise.h"
#include "kernels/eltwise/eltwise.h"

namespace adze {
namespace {

struct Name {
  std::string_view name;
  UnaryOp op;
};
constexpr Name kNames[] = {{"Abs", UnaryOp::abs},     {"Neg", UnaryOp::neg},   {"Reciprocal", UnaryOp::reciprocal},
                           {"Sqrt", UnaryOp::sqrt},   {"Exp", UnaryOp::exp},   {"Log", UnaryOp::log},
                           {"Floor", UnaryOp::floor}, {"Ceil", UnaryOp::ceil}, {"Round", UnaryOp::round},
                           {"Sign", UnaryOp::sign},   {"Erf", UnaryOp::erf},   {"Softsign", UnaryOp::softsign}};

UnaryOp op_of(const Node& node) {
  for (const auto& [name, op] : kNames) {
    if (name == node.op->name) return op;
  }
  return UnaryOp::abs;
}

double apply(UnaryOp op, double x) {
  switch (op) {
    case UnaryOp::abs:
      return std::fabs(x);
    case UnaryOp::neg:
      return -x;
    case UnaryOp::reciprocal:
      return 1 / x;
    case UnaryOp::sqrt:
      return std::sqrt(x);
    case UnaryOp::exp:
      return std::exp(x);
    case UnaryOp::log:
      return std::log(x);
    case UnaryOp::floor:
      return std::floor(x);
    case UnaryOp::ceil:
      return std::ceil(x);
    case UnaryOp::round:
      return std::nearbyint(x);
    case UnaryOp::sign:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case UnaryOp::erf:
      return std::erf(x);
    case UnaryOp::softsign:
      return x / (1 + std::fabs(x));
  }
  return x;
}

// Integers know only abs, neg, sign and, cut to its whole part, erf. Unsigned arithmetic wraps where the least value
// has no opposite.
template <class T>
T apply_integer(UnaryOp op, T x) {
  using Wrap = std::make_unsigned_t<T>;
  const T opposite = static_cast<T>(Wrap{0} - static_cast<Wrap>(x));
  if (op == UnaryOp::neg) return opposite;
  if (op == UnaryOp::erf) return static_cast<T>(std::erf(static_cast<double>(x)));
  if (op == UnaryOp::sign) return static_cast<T>(x > 0 ? 1 : x == 0 ? 0 : -1);
  return x < 0 ? opposite : x;
}

struct Args {
  UnaryFn kernel;
  UnaryOp op;
  DType type;
  std::int64_t elements;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* src = call.in<T>() + range.begin;
    T* dst = call.out<T>() + range.begin;
    const auto vector = [&](const float* from, float* to, std::int64_t n) { args.kernel(args.op, from, to, n); };
    if constexpr (std::is_same_v<T, float>) {
      vector(src, dst, range.size());
    } else if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
      through_float(src, dst, range.size(), vector);
    } else if constexpr (std::is_same_v<T, double>) {
      for (std::int64_t i = 0; i < range.size(); i++) dst[i] = apply(args.op, src[i]);
    } else if constexpr (!std::is_same_v<T, bool>) {
      for (std::int64_t i = 0; i < range.size(); i++) dst[i] = apply_integer<T>(args.op, src[i]);
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const auto& kernel = unary_f32.best(context.isa);
  const Args args{kernel.fn, op_of(context.node), context.in(0).type, context.in(0).elements()};
  Step step = make_step<run>(args, concat("unary_f32/", isa_name(kernel.isa)));
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 1;
  return step;
}

constexpr TypeMask kFloatTypes[] = {kFloats};
constexpr TypeMask kNumberTypes[] = {kNumbers};
constexpr TypeMask kSignedTypes[] = {kFloats | kSigned};
constexpr int kFrom6And13[] = {1, 6, 13}, kErf[] = {9, 13}, kRound[] = {11, 22}, kSoftsign[] = {1, 22};

constexpr OpDef op(std::string_view name, std::span<const int> versions, std::span<const TypeMask> types) {
  return {.name = name,
          .versions = versions,
          .input_types = types,
          .infer = infer_same_shape,
          .prepare = prepare,
          .lanes = lanes_elementwise,
          .layout = LayoutRule::transparent};
}
constexpr OpDef kOps[] = {op("Abs", kFrom6And13, kNumberTypes),
                          op("Neg", kFrom6And13, kSignedTypes),
                          op("Reciprocal", kFrom6And13, kFloatTypes),
                          op("Sqrt", kFrom6And13, kFloatTypes),
                          op("Exp", kFrom6And13, kFloatTypes),
                          op("Log", kFrom6And13, kFloatTypes),
                          op("Floor", kFrom6And13, kFloatTypes),
                          op("Ceil", kFrom6And13, kFloatTypes),
                          op("Round", kRound, kFloatTypes),
                          op("Sign", kErf, kNumberTypes),
                          op("Erf", kErf, kNumberTypes),
                          op("Softsign", kSoftsign, kFloatTypes)};

}  // namespace
extern const std::span<const OpDef> ops_unary;
constinit const std::span<const OpDef> ops_unary{kOps};

}  // namespace adze
