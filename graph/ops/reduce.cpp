// The Reduce family. f32 sums, means and extrema over one stretch of axes run on vectors; everything else element by
// element in double or 64-bit integers.
#include "kernels/reduce/reduce.h"

#include <cmath>
#include <limits>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

enum class Op { sum, mean, max, min, prod, l1, l2, log_sum, log_sum_exp, sum_square };

struct Name {
  std::string_view name;
  Op op;
};
constexpr Name kNames[] = {{"ReduceSum", Op::sum},
                           {"ReduceMean", Op::mean},
                           {"ReduceMax", Op::max},
                           {"ReduceMin", Op::min},
                           {"ReduceProd", Op::prod},
                           {"ReduceL1", Op::l1},
                           {"ReduceL2", Op::l2},
                           {"ReduceLogSum", Op::log_sum},
                           {"ReduceLogSumExp", Op::log_sum_exp},
                           {"ReduceSumSquare", Op::sum_square}};

Op op_of(const Node& node) {
  for (const auto& [name, op] : kNames) {
    if (name == node.op->name) return op;
  }
  return Op::sum;
}

// Axes became an input with version 13 of ReduceSum and 18 of the others.
bool axes_are_input(const Node& node) { return node.version >= (node.op->name == "ReduceSum" ? 13 : 18); }

// The layout pass may have reordered the data's axes; axis i of the data is then axis order[i] of the file's. No file
// can set the attribute, since it isn't among kAttributes.
constexpr std::string_view kAxisOrder = "axis_order";

struct Axes {
  std::vector<bool> reduced;  // by the data's axes
  bool nothing = false;       // noop_with_empty_axes: the data as it is, but for the elementwise part
};

Result<Axes> axes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  std::vector<std::int64_t> axes = context.node.attributes.integers("axes");
  if (axes_are_input(context.node) && context.has(1)) {
    ADZE_TRY(axes, context.ints(1));
  }
  Axes result;
  ADZE_TRY(result.reduced, axis_set(axes, rank));
  if (axes.empty()) {
    result.nothing = context.node.attributes.integer("noop_with_empty_axes", 0) != 0;
    if (!result.nothing) result.reduced.assign(static_cast<std::size_t>(rank), true);
  }
  if (const auto order = context.node.attributes.integers(kAxisOrder); !order.empty()) {
    const std::vector<bool> in_file = std::move(result.reduced);
    result.reduced.clear();
    for (const std::int64_t axis : order) result.reduced.push_back(in_file[static_cast<std::size_t>(axis)]);
  }
  return result;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Axes axes, axes_of(context));
  const bool keep = context.node.attributes.integer("keepdims", 1) != 0;
  const Shape& data = context.shape(0);
  Shape shape;
  for (int axis = 0; axis < data.rank(); axis++) {
    if (!axes.reduced[static_cast<std::size_t>(axis)]) {
      shape.push_back(data[axis]);
    } else if (keep) {
      shape.push_back(1);
    }
  }
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  ADZE_TRY(const Axes axes, axes_of(context));
  const bool keep = context.node.attributes.integer("keepdims", 1) != 0;
  return lanes_reduced(context, lanes_except(context, axes.reduced).inputs[0],
                       keep ? std::vector<bool>(axes.reduced.size()) : axes.reduced);
}

// ---- vectors --------------------------------------------------------------------------------------------------------

// The data as [outer, r, inner], reduced along r.
struct Planes : ReducePlanes {
  bool last = true;  // no axis lies behind the reduced ones
};

struct VectorArgs {
  ReduceRowsFn rows;
  ReduceColumnsFn columns;
  ReduceOp kernel_op;
  Op op;
  Planes planes;
};

void run_vector(const VectorArgs& args, const Call& call) {
  const std::int64_t r = args.planes.r;
  float* dst = call.out();
  Range mine;
  if (args.planes.last) {
    mine = call.slice.of(args.planes.outer);
    args.rows(args.kernel_op, call.in() + mine.begin * r, dst + mine.begin, mine.size(), r);
  } else {
    mine = reduce_columns(args.columns, args.kernel_op, call.in(), dst, args.planes, call.slice);
  }
  if (args.op == Op::mean) {
    for (std::int64_t i = mine.begin; i < mine.end; i++) dst[i] /= static_cast<float>(r);
  } else if (args.op == Op::l2) {
    for (std::int64_t i = mine.begin; i < mine.end; i++) dst[i] = std::sqrt(dst[i]);
  }
}

std::optional<ReduceOp> kernel_op(Op op) {
  switch (op) {
    case Op::sum:
    case Op::mean:
      return ReduceOp::sum;
    case Op::l1:
      return ReduceOp::abs_sum;
    case Op::l2:
    case Op::sum_square:
      return ReduceOp::square_sum;
    case Op::max:
      return ReduceOp::max;
    case Op::min:
      return ReduceOp::min;
    default:
      return std::nullopt;
  }
}

// outer, r, inner when the reduced axes are neighbours. Axes of size 1 count like others: one may be a batch's, whose
// size may not decide the order of a sum.
std::optional<Planes> as_planes(const Shape& data, const std::vector<bool>& reduced) {
  Planes planes;
  bool inside = false;  // or behind
  for (int axis = 0; axis < data.rank(); axis++) {
    const bool now = reduced[static_cast<std::size_t>(axis)];
    if (now && !planes.last) return std::nullopt;
    if (!now && inside) planes.last = false;
    inside = inside || now;
    (now ? planes.r : inside ? planes.inner : planes.outer) *= data[axis];
  }
  return planes;
}

// ---- element by element ---------------------------------------------------------------------------------------------

struct PlainArgs {
  Op op;
  DType type;
  std::vector<std::int64_t> outer_dims, outer_strides, r_dims, r_strides;
  std::int64_t outer, r;
};

std::int64_t offset_at(std::int64_t index, const std::vector<std::int64_t>& dims,
                       const std::vector<std::int64_t>& strides) {
  std::int64_t offset = 0;
  for (std::size_t axis = dims.size(); axis-- > 0;) {
    offset += index % dims[axis] * strides[axis];
    index /= dims[axis];
  }
  return offset;
}

template <class Acc>
Acc neutral(Op op) {
  using Limits = std::numeric_limits<Acc>;
  if (op == Op::max) return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  if (op == Op::min) return Limits::has_infinity ? Limits::infinity() : Limits::max();
  return op == Op::prod ? Acc{1} : Acc{0};
}

// Integers wrap around, like NumPy's.
template <class Acc>
Acc add(Acc a, Acc b) {
  if constexpr (std::is_integral_v<Acc>)
    return static_cast<Acc>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  return a + b;
}
template <class Acc>
Acc multiply(Acc a, Acc b) {
  if constexpr (std::is_integral_v<Acc>)
    return static_cast<Acc>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  return a * b;
}

template <class Acc>
Acc step(Op op, Acc acc, Acc x, Acc shift) {
  switch (op) {
    case Op::max:
      return x != x || x > acc ? x : acc;
    case Op::min:
      return x != x || x < acc ? x : acc;
    case Op::prod:
      return multiply(acc, x);
    case Op::l1:
      return add(acc, x < 0 ? multiply(x, static_cast<Acc>(-1)) : x);
    case Op::l2:
    case Op::sum_square:
      return add(acc, multiply(x, x));
    case Op::log_sum_exp:
      return acc + static_cast<Acc>(std::exp(static_cast<double>(x) - static_cast<double>(shift)));
    default:
      return add(acc, x);
  }
}

template <class Acc>
Acc finish(Op op, Acc acc, std::int64_t r, Acc shift) {
  switch (op) {
    case Op::mean:
      return r ? static_cast<Acc>(acc / static_cast<Acc>(r)) : acc / Acc(r + (std::is_integral_v<Acc> ? 1 : 0));
    case Op::l2:
      return static_cast<Acc>(std::sqrt(static_cast<double>(acc)));
    case Op::log_sum:
      return static_cast<Acc>(std::log(static_cast<double>(acc)));
    case Op::log_sum_exp:
      return static_cast<Acc>(std::log(static_cast<double>(acc)) + static_cast<double>(shift));
    default:
      return acc;
  }
}

// What the result's type can't hold (log 0 among integers) becomes its least value.
template <class T, class Acc>
T result_of(Acc x) {
  if constexpr (std::is_integral_v<T> && !std::is_integral_v<Acc>) {
    using Limits = std::numeric_limits<T>;
    const bool fits = x > static_cast<Acc>(Limits::lowest()) && x < static_cast<Acc>(Limits::max());
    return fits ? static_cast<T>(x) : Limits::lowest();
  }
  return static_cast<T>(static_cast<Compute<T>>(x));
}

template <class T, class Acc>
void run_plain_as(const PlainArgs& args, const Call& call) {
  const T* src = call.in<T>();
  const Range outer = call.slice.of(args.outer);
  for (std::int64_t o = outer.begin; o < outer.end; o++) {
    const T* base = src + offset_at(o, args.outer_dims, args.outer_strides);
    const auto at = [&](std::int64_t i) {
      return static_cast<Acc>(static_cast<Compute<T>>(base[offset_at(i, args.r_dims, args.r_strides)]));
    };
    Acc shift = 0;
    if (args.op == Op::log_sum_exp) {
      shift = neutral<Acc>(Op::max);
      for (std::int64_t i = 0; i < args.r; i++) shift = step<Acc>(Op::max, shift, at(i), 0);
      if (!std::isfinite(static_cast<double>(shift))) shift = 0;
    }
    Acc acc = neutral<Acc>(args.op);
    if (args.r == 0 && std::is_integral_v<T> && (args.op == Op::max || args.op == Op::min)) {
      acc = static_cast<Acc>(args.op == Op::max ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max());
    }
    for (std::int64_t i = 0; i < args.r; i++) acc = step<Acc>(args.op, acc, at(i), shift);
    call.out<T>()[o] = result_of<T>(finish<Acc>(args.op, acc, args.r, shift));
  }
}

// Integers stay integers unless the operator leaves them.
void run_plain(const PlainArgs& args, const Call& call) {
  const bool exact = args.op != Op::log_sum && args.op != Op::log_sum_exp && args.op != Op::l2;
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    if constexpr (std::is_integral_v<T>) {
      if (exact) return run_plain_as<T, Wide>(args, call);
    }
    run_plain_as<T, double>(args, call);
  });
}

Result<Step> prepare(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const Axes axes, axes_of(again));
  const Shape& data = context.in(0).shape;
  const Op op = op_of(context.node);
  const auto planes = as_planes(data, axes.reduced);
  Step step;
  if (planes && context.in(0).type == DType::f32 && kernel_op(op) && planes->r > 0) {
    const auto& rows = reduce_rows_f32.best(context.isa);
    step =
        make_step<run_vector>(VectorArgs{rows.fn, reduce_columns_f32.best(context.isa).fn, *kernel_op(op), op, *planes},
                              concat("reduce_f32/", isa_name(rows.isa)));
    const std::int64_t shares = planes->last ? planes->outer : planes->outer * planes->inner / 16;
    step.max_parts = static_cast<int>(std::clamp<std::int64_t>(std::min(shares, data.elements() / 4096), 1, 256));
  } else {
    PlainArgs args{op, context.in(0).type, {}, {}, {}, {}, 1, 1};
    const auto strides = data.strides();
    for (int axis = 0; axis < data.rank(); axis++) {
      const bool reduced = axes.reduced[static_cast<std::size_t>(axis)];
      (reduced ? args.r_dims : args.outer_dims).push_back(data[axis]);
      (reduced ? args.r_strides : args.outer_strides).push_back(strides[static_cast<std::size_t>(axis)]);
      (reduced ? args.r : args.outer) *= data[axis];
    }
    step = make_step<run_plain>(std::move(args), "reduce_plain");
    step.max_parts = elementwise_parts(data.elements());
  }
  step.unread = 0b10;
  return step;
}

// While the rank stays, the result is permuted like the data.
bool permute(Node& node, std::span<const int> perm) {
  if (!node.attributes.integer("keepdims", 1)) return false;
  const std::vector<std::int64_t> before = node.attributes.integers(kAxisOrder);
  std::vector<std::int64_t> order;
  for (const int axis : perm) order.push_back(before.empty() ? axis : before[static_cast<std::size_t>(axis)]);
  node.attributes.set(std::string(kAxisOrder), std::move(order));
  return true;
}

constexpr int kSum[] = {1, 11, 13}, kMean[] = {1, 11, 13, 18}, kExtrema[] = {1, 11, 12, 13, 18, 20},
              kLog[] = {1, 11, 13, 18, 28};
constexpr AttrSpec kAttributes[] = {
    {"axes", AttrKind::integers}, {"keepdims", AttrKind::integer}, {"noop_with_empty_axes", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kNumbers, types(DType::i64)};
constexpr TypeMask kExtremaTypes[] = {kAnyType, types(DType::i64)};

constexpr OpDef op(std::string_view name, std::span<const int> versions = kMean,
                   std::span<const TypeMask> types = kTypes) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .inputs = {1, 2},
          .input_types = types,
          .output_type = [](const Node&, std::span<const DType> inputs, int) { return inputs[0]; },
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of,
          .layout = LayoutRule::transparent,
          .permute = permute,
          .accumulates = [](const Node& node) { return op_of(node) != Op::max && op_of(node) != Op::min; }};
}
constexpr OpDef kOps[] = {op("ReduceSum", kSum),
                          op("ReduceMean"),
                          op("ReduceMax", kExtrema, kExtremaTypes),
                          op("ReduceMin", kExtrema, kExtremaTypes),
                          op("ReduceProd"),
                          op("ReduceL1"),
                          op("ReduceL2"),
                          op("ReduceLogSum", kLog),
                          op("ReduceLogSumExp", kLog),
                          op("ReduceSumSquare")};

}  // namespace
extern const std::span<const OpDef> ops_reduce;
constinit const std::span<const OpDef> ops_reduce{kOps};

}  // namespace adze
