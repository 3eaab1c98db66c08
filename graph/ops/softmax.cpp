// Softmax and LogSoftmax. From version 13 they work along one axis; before, the tensor is seen as a matrix whose
// columns are all axes from `axis` on.
#include "graph/op.h"
#include "kernels/softmax/softmax.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 11, 13};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer}};
constexpr TypeMask kTypes[] = {types(DType::f32)};

struct Args {
  SoftmaxRowsFn kernel;
  std::int64_t rows, cols, inner;  // inner: elements between neighbours along the axis
  bool log;
};

Result<int> axis_of(const Node& node, int rank) {
  const std::int64_t axis = node.attributes.integer("axis", node.version >= 13 ? -1 : 1);
  if (node.version < 13 && axis == rank) return rank;  // a matrix with one column
  const auto normal = normalise_axis(axis, rank);
  if (!normal) return make_error(Code::invalid_model, "axis ", axis, " is out of range for rank ", rank);
  return *normal;
}

Result<void> infer(InferContext& context) {
  ADZE_CHECK([&]() -> Result<void> {
    ADZE_TRY([[maybe_unused]] const int axis, axis_of(context.node, context.shape(0).rank()));
    return {};
  }());
  context.set_shape(0, context.shape(0));
  return {};
}

void run(const Args& args, const Call& call) {
  const Range rows = call.slice.of(args.rows);
  const std::int64_t first = rows.begin * args.cols;
  args.kernel(call.in() + first, args.cols, call.out() + first, args.cols, rows.size(), args.cols, args.log);
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& shape = context.in(0).shape;
  ADZE_TRY(const int axis, axis_of(context.node, shape.rank()));
  const int last = context.node.version >= 13 ? axis + 1 : shape.rank();
  if (last != shape.rank() && shape.elements(last, shape.rank()) != 1) {
    return make_error(Code::unsupported, "only the last axis is built");
  }
  Args args{softmax_rows_f32.best(context.isa).fn, shape.elements(0, axis), shape.elements(axis, last), 1,
            context.node.op->name == "LogSoftmax"};
  Step step = make_step<run>(args, "softmax_rows_f32");
  step.max_parts = static_cast<int>(std::min<std::int64_t>(args.rows, 64));
  step.in_place = 1;
  return step;
}

constexpr OpDef op(std::string_view name) {
  return {.name = name,
          .versions = kVersions,
          .attributes = kAttributes,
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare};
}
constexpr OpDef kOps[] = {op("Softmax"), op("LogSoftmax")};

}  // namespace
extern const std::span<const OpDef> ops_softmax;
constinit const std::span<const OpDef> ops_softmax{kOps};

}  // namespace adze
