// ArgMax, ArgMin and TopK: order along one axis. Equal elements come by index; NaN counts as the greatest.
#include <algorithm>
#include <numeric>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

template <class T>
bool greater(T a, T b) {
  return a > b || (a != a && b == b);
}

struct Args {
  DType type;
  std::int64_t outer, size, inner, k;
  bool largest, last;
};

// ---- ArgMax, ArgMin -------------------------------------------------------------------------------------------------

Result<void> infer_arg(InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  if (data[axis] == 0) return make_error(Code::invalid_model, "axis ", axis, " is empty");
  Shape shape;
  for (int i = 0; i < data.rank(); i++) {
    if (i != axis) shape.push_back(data[i]);
    if (i == axis && context.node.attributes.integer("keepdims", 1)) shape.push_back(1);
  }
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of_arg(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, rank));
  std::vector<bool> gone(static_cast<std::size_t>(rank));
  gone[static_cast<std::size_t>(axis)] = context.node.attributes.integer("keepdims", 1) == 0;
  return lanes_reduced(context, lanes_except(context, axis).inputs[0], gone);
}

void run_arg(const Args& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Range range = call.slice.of(args.outer * args.inner);
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const T* src = call.in<T>() + i / args.inner * args.size * args.inner + i % args.inner;
      std::int64_t best = 0;
      for (std::int64_t j = 1; j < args.size; j++) {
        const auto x = static_cast<Compute<T>>(src[j * args.inner]),
                   top = static_cast<Compute<T>>(src[best * args.inner]);
        const bool beats = args.largest ? greater(x, top) : greater(top, x);
        if (beats || (args.last && x == top)) best = j;
      }
      call.out<std::int64_t>()[i] = best;
    }
  });
}

Args args_of(const PrepareContext& context, int axis) {
  const Shape& data = context.in(0).shape;
  return {context.in(0).type, data.elements(0, axis), data[axis], data.elements(axis + 1, data.rank()), 0, true, false};
}

Result<Step> prepare_arg(PrepareContext& context) {
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, context.in(0).shape.rank()));
  Args args = args_of(context, axis);
  args.largest = context.node.op->name == "ArgMax";
  args.last = context.node.attributes.integer("select_last_index", 0) != 0;
  Step step = make_step<run_arg>(args, "arg");
  step.max_parts = elementwise_parts(context.in(0).elements());
  return step;
}

// ---- TopK -----------------------------------------------------------------------------------------------------------

Result<std::int64_t> k_of(const InferContext& context) {
  if (context.node.version < 10) return context.node.attributes.integer("k", 0);
  if (!context.has(1)) return make_error(Code::invalid_model, "k is missing");
  ADZE_TRY(const auto k, context.ints(1));
  if (k.size() != 1) return make_error(Code::invalid_model, "k is not a single number");
  return k[0];
}

Result<void> infer_top_k(InferContext& context) {
  Shape shape = context.shape(0);
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, shape.rank()));
  ADZE_TRY(const std::int64_t k, k_of(context));
  if (k < 0 || k > shape[axis])
    return make_error(Code::invalid_model, "k is ", k, ", but axis ", axis, " has ", shape[axis], " elements");
  shape[axis] = k;
  context.set_shape(0, shape);
  context.set_shape(1, shape);
  return {};
}

void run_top_k(const Args& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto* order = reinterpret_cast<std::int64_t*>(call.scratch);
    const Range range = call.slice.of(args.outer * args.inner);
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const T* src = call.in<T>() + i / args.inner * args.size * args.inner + i % args.inner;
      std::iota(order, order + args.size, 0);
      std::partial_sort(order, order + args.k, order + args.size, [&](std::int64_t a, std::int64_t b) {
        const auto x = static_cast<Compute<T>>(src[a * args.inner]), y = static_cast<Compute<T>>(src[b * args.inner]);
        if (args.largest ? greater(x, y) : greater(y, x)) return true;
        if (args.largest ? greater(y, x) : greater(x, y)) return false;
        return a < b;
      });
      const std::int64_t to = i / args.inner * args.k * args.inner + i % args.inner;
      for (std::int64_t j = 0; j < args.k; j++) {
        if (call.outputs[0]) call.out<T>(0)[to + j * args.inner] = src[order[j] * args.inner];
        if (call.outputs[1]) call.out<std::int64_t>(1)[to + j * args.inner] = order[j];
      }
    }
  });
}

Result<Step> prepare_top_k(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, context.in(0).shape.rank()));
  Args args = args_of(context, axis);
  ADZE_TRY(args.k, k_of(again));
  args.largest = context.node.attributes.integer("largest", 1) != 0;
  Step step = make_step<run_top_k>(args, "top_k");
  step.scratch_bytes = static_cast<std::size_t>(args.size) * sizeof(std::int64_t);
  step.max_parts = elementwise_parts(context.in(0).elements());
  step.unread = 0b10;
  return step;
}

constexpr int kArg[] = {1, 11, 12, 13}, kTopK[] = {1, 10, 11, 24};
constexpr AttrSpec kArgAttributes[] = {
    {"axis", AttrKind::integer}, {"keepdims", AttrKind::integer}, {"select_last_index", AttrKind::integer}};
constexpr AttrSpec kTopKAttributes[] = {{"axis", AttrKind::integer},
                                        {"k", AttrKind::integer, false, 0},
                                        {"largest", AttrKind::integer},
                                        {"sorted", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kNumbers, types(DType::i64)};

constexpr OpDef arg(std::string_view name) {
  return {.name = name,
          .versions = kArg,
          .attributes = kArgAttributes,
          .input_types = kTypes,
          .output_type = [](const Node&, std::span<const DType>, int) { return DType::i64; },
          .infer = infer_arg,
          .prepare = prepare_arg,
          .lanes = lanes_of_arg};
}
constexpr OpDef kOps[] = {
    arg("ArgMax"),
    arg("ArgMin"),
    {.name = "TopK",
     .versions = kTopK,
     .attributes = kTopKAttributes,
     .inputs = {1, 2},
     .outputs = {2, 2},
     .input_types = kTypes,
     .output_type = [](const Node&, std::span<const DType> inputs, int i) { return i == 1 ? DType::i64 : inputs[0]; },
     .infer = infer_top_k,
     .prepare = prepare_top_k,
     .lanes = lanes_but_axis<-1>}};

}  // namespace
extern const std::span<const OpDef> ops_select;
constinit const std::span<const OpDef> ops_select{kOps};

}  // namespace adze
