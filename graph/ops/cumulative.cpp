// CumSum and CumProd: running sums and products along an axis that arrives as an input.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

Result<int> axis_of(const InferContext& context) {
  ADZE_TRY(const auto axes, context.ints(1));
  const auto axis = axes.size() == 1 ? normalise_axis(axes[0], context.shape(0).rank()) : std::nullopt;
  if (!axis) return make_error(Code::invalid_model, "the axis is out of range");
  return *axis;
}

Result<void> infer(InferContext& context) {
  ADZE_CHECK(axis_of(context));
  return infer_same_shape(context);
}

Result<Lanes> lanes_of(const InferContext& context) {
  ADZE_TRY(const int axis, axis_of(context));
  return lanes_except(context, axis);
}

struct Args {
  DType type;
  std::int64_t outer, n, inner;
  bool product, exclusive, reverse;
};

// Integers wrap around.
template <class T>
T combine(bool product, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    return static_cast<T>(product ? x * y : x + y);
  } else {
    return product ? a * b : a + b;
  }
}

void run(const Args& args, const Call& call) {
  const Range lines = call.slice.of(args.outer * args.inner);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) {
      for (std::int64_t line = lines.begin; line < lines.end; line++) {
        const std::int64_t base = line / args.inner * args.n * args.inner + line % args.inner;
        auto sum = static_cast<Compute<T>>(args.product ? 1 : 0);
        for (std::int64_t i = 0; i < args.n; i++) {
          const std::int64_t at = base + (args.reverse ? args.n - 1 - i : i) * args.inner;
          const auto x = static_cast<Compute<T>>(call.in<T>()[at]);
          const auto next = combine(args.product, sum, x);
          call.out<T>()[at] = static_cast<T>(args.exclusive ? sum : next);
          sum = next;
        }
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const int axis, axis_of(again));
  const Shape& shape = context.in(0).shape;
  const Attributes& attributes = context.node.attributes;
  Step step = make_step<run>(Args{context.in(0).type, shape.elements(0, axis), shape[axis],
                                  shape.elements(axis + 1, shape.rank()), context.node.op->name == "CumProd",
                                  attributes.integer("exclusive", 0) != 0, attributes.integer("reverse", 0) != 0},
                             "cumulative");
  step.max_parts = elementwise_parts(shape.elements());
  step.in_place = 1;
  step.unread = 0b10;
  return step;
}

constexpr int kSum[] = {11, 14}, kProd[] = {26};
constexpr AttrSpec kAttributes[] = {{"exclusive", AttrKind::integer, false, 0, 1},
                                    {"reverse", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kTypes[] = {kNumbers, kIndices};

constexpr OpDef op(std::string_view name, std::span<const int> versions) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .inputs = {2, 2},
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of};
}
constexpr OpDef kOps[] = {op("CumSum", kSum), op("CumProd", kProd)};

}  // namespace
extern const std::span<const OpDef> ops_cumulative;
constinit const std::span<const OpDef> ops_cumulative{kOps};

}  // namespace adze
