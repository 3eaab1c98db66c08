// Softmax, LogSoftmax and Hardmax. From version 13 they work along one axis; before, the tensor is seen as a matrix
// whose columns are all axes from `axis` on.
#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 11, 13};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};

enum class Op { softmax, log_softmax, hardmax };
Op op_of(const Node& node) {
  return node.op->name == "Softmax" ? Op::softmax : node.op->name == "LogSoftmax" ? Op::log_softmax : Op::hardmax;
}

// The elements that are normalised together: [outer, r, inner] along r. Whether any axis lies behind decides the
// kernel, and so the order of sums; its size, which may be a batch's, doesn't.
struct Planes {
  std::int64_t outer, r, inner;
  bool last;  // no axis lies behind
};

Result<Planes> planes_of(const Node& node, const Shape& shape) {
  const int rank = shape.rank();
  if (node.version >= 13) {
    ADZE_TRY(const int axis, axis_attribute(node, -1, rank));
    return Planes{shape.elements(0, axis), shape[axis], shape.elements(axis + 1, rank), axis + 1 == rank};
  }
  const std::int64_t axis = node.attributes.integer("axis", 1);
  const auto normal = axis == rank ? rank : normalise_axis(axis, rank);  // rank: a matrix with one column
  if (!normal) return make_error(Code::invalid_model, "axis ", axis, " is out of range for rank ", rank);
  return Planes{shape.elements(0, *normal), shape.elements(*normal, rank), 1, true};
}

Result<void> infer(InferContext& context) {
  ADZE_TRY([[maybe_unused]] const Planes planes, planes_of(context.node, context.shape(0)));
  context.set_shape(0, context.shape(0));
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  const std::int64_t axis = context.node.attributes.integer("axis", context.node.version >= 13 ? -1 : 1);
  const int first = static_cast<int>(axis < 0 ? axis + rank : axis);
  return context.node.version >= 13 ? lanes_except(context, first) : lanes_except(context, axes_from(first, rank));
}

// ---- vectors --------------------------------------------------------------------------------------------------------

struct VectorArgs {
  SoftmaxRowsFn rows;
  SoftmaxColumnsFn columns;
  Planes planes;
  bool log;
};

void run_rows(const VectorArgs& args, const Call& call) {
  const std::int64_t cols = args.planes.r;
  const Range rows = call.slice.of(args.planes.outer);
  args.rows(call.in() + rows.begin * cols, cols, call.out() + rows.begin * cols, cols, rows.size(), cols, args.log);
}

constexpr std::int64_t kColumnGrain = 64;  // columns that one thread takes at least

void run_columns(const VectorArgs& args, const Call& call) {
  const auto [outer, r, inner, last] = args.planes;
  const std::int64_t strips = (inner + kColumnGrain - 1) / kColumnGrain;
  const Range range = call.slice.of(outer * strips);
  for (std::int64_t i = range.begin; i < range.end && !call.cancel.requested(); i++) {
    const std::int64_t first = i % strips * kColumnGrain, at = i / strips * r * inner + first;
    args.columns(call.in() + at, call.out() + at, inner, r, std::min(kColumnGrain, inner - first), args.log);
  }
}

// ---- element by element ---------------------------------------------------------------------------------------------

struct PlainArgs {
  Op op;
  DType type;
  Planes planes;
};

template <class T>
void run_plain_as(const PlainArgs& args, const Call& call) {
  const std::int64_t outer = args.planes.outer, r = args.planes.r, inner = args.planes.inner;
  const Range range = call.slice.of(outer * inner);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    const std::int64_t first = i / inner * r * inner + i % inner;
    const T* src = call.in<T>() + first;
    T* dst = call.out<T>() + first;
    const auto at = [&](std::int64_t j) { return static_cast<double>(static_cast<Compute<T>>(src[j * inner])); };
    double top = -std::numeric_limits<double>::infinity(), total = 0;
    std::int64_t top_index = 0;
    for (std::int64_t j = 0; j < r; j++) {
      if (at(j) > top) {
        top = at(j);
        top_index = j;
      }
    }
    if (args.op == Op::hardmax) {
      for (std::int64_t j = 0; j < r; j++) dst[j * inner] = static_cast<T>(static_cast<Compute<T>>(j == top_index));
      continue;
    }
    for (std::int64_t j = 0; j < r; j++) total += std::exp(at(j) - top);
    const double log_total = std::log(total);
    for (std::int64_t j = 0; j < r; j++) {
      const double y = args.op == Op::log_softmax ? at(j) - top - log_total : std::exp(at(j) - top) / total;
      dst[j * inner] = static_cast<T>(static_cast<Compute<T>>(y));
    }
  }
}

void run_plain(const PlainArgs& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_integral_v<T>) run_plain_as<T>(args, call);
  });
}

// ---- preparation ----------------------------------------------------------------------------------------------------

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Planes planes, planes_of(context.node, context.in(0).shape));
  const Op op = op_of(context.node);
  const auto& rows = softmax_rows_f32.best(context.isa);
  const auto& columns = softmax_columns_f32.best(context.isa);
  const VectorArgs args{rows.fn, columns.fn, planes, op == Op::log_softmax};
  Step step;
  if (op == Op::hardmax || context.in(0).type != DType::f32) {
    step = make_step<run_plain>(PlainArgs{op, context.in(0).type, planes}, "softmax_plain");
  } else if (planes.last) {
    step = make_step<run_rows>(args, concat("softmax_rows_f32/", isa_name(rows.isa)));
  } else {
    step = make_step<run_columns>(args, concat("softmax_columns_f32/", isa_name(columns.isa)));
  }
  const std::int64_t elements = context.in(0).elements();
  step.max_parts =
      static_cast<int>(std::clamp<std::int64_t>(std::min(planes.outer * planes.inner, elements / 1024), 1, 256));
  step.in_place = 1;
  step.flops = 16.0 * static_cast<double>(elements);
  return step;
}

// Before version 13 the axes behind `axis` take part too, so their place matters.
bool permute(Node& node, std::span<const int> perm) { return node.version >= 13 && permute_axis<-1>(node, perm); }

constexpr OpDef op(std::string_view name) {
  return {.name = name,
          .versions = kVersions,
          .attributes = kAttributes,
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of,
          .layout = LayoutRule::transparent,
          .permute = permute,
          .accumulates = [](const Node& node) { return op_of(node) != Op::hardmax; }};
}
constexpr OpDef kOps[] = {op("Softmax"), op("LogSoftmax"), op("Hardmax")};

}  // namespace
extern const std::span<const OpDef> ops_softmax;
constinit const std::span<const OpDef> ops_softmax{kOps};

}  // namespace adze
