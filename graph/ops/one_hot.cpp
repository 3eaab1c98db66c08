// OneHot: a new axis of size `depth` that holds the on value at each index and the off value elsewhere. Negative
// indices count from the end; one out of range turns nothing on.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

Result<std::int64_t> depth_of(const InferContext& context) {
  ADZE_TRY(const Tensor* const tensor, context.known(1));
  if (tensor->elements() != 1) return make_error(Code::invalid_model, "the depth must be a single number");
  const double depth = dispatch(tensor->type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<T>>(tensor->as<T>()[0]));
  });
  if (!(depth >= 0 && depth < 0x1p40)) return make_error(Code::invalid_model, "the depth is out of range");
  return static_cast<std::int64_t>(depth);
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const std::int64_t depth, depth_of(context));
  const Shape& indices = context.shape(0);
  if (indices.rank() == kMaxRank) return make_error(Code::unsupported, "the result's rank is above ", kMaxRank);
  if (context.in(2).elements() != 2) return make_error(Code::invalid_model, "the values must be two, off and on");
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, indices.rank() + 1));
  Shape shape;
  for (int i = 0; i <= indices.rank(); i++) {
    if (i == axis) shape.push_back(depth);
    if (i < indices.rank()) shape.push_back(indices[i]);
  }
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, rank + 1));
  Lanes lanes;
  lanes.inputs = {lanes_from_left(rank)};
  lanes.outputs = {lanes.inputs[0]};
  lanes.outputs[0].insert(lanes.outputs[0].begin() + axis, kMixed);
  return lanes;
}

struct Args {
  DType type, value;
  std::int64_t outer, depth, inner;
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.outer * args.inner);
  dispatch(args.type, [&](auto tag) {
    using I = typename decltype(tag)::type;
    dispatch(args.value, [&](auto value_tag) {
      using T = typename decltype(value_tag)::type;
      const T off = call.in<T>(2)[0], on = call.in<T>(2)[1];
      for (std::int64_t i = range.begin; i < range.end; i++) {
        auto index = static_cast<std::int64_t>(static_cast<Compute<I>>(call.in<I>()[i]));
        if (index < 0) index += args.depth;
        T* dst = call.out<T>() + i / args.inner * args.depth * args.inner + i % args.inner;
        for (std::int64_t d = 0; d < args.depth; d++) dst[d * args.inner] = d == index ? on : off;
      }
    });
  });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape &indices = context.in(0).shape, &out = context.out().shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, out.rank()));
  Step step = make_step<run>(Args{context.in(0).type, context.out().type, indices.elements(0, axis), out[axis],
                                  indices.elements(axis, indices.rank())},
                             "one_hot");
  step.max_parts = elementwise_parts(out.elements());
  step.unread = 0b10;
  return step;
}

constexpr int kVersions[] = {9, 11, 28};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kNumbers, kNumbers, kAnyType};

constexpr OpDef kOps[] = {{.name = "OneHot",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .own_type = 0b110,
                           .output_type = [](const Node&, std::span<const DType> in, int) { return in[2]; },
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_one_hot;
constinit const std::span<const OpDef> ops_one_hot{kOps};

}  // namespace adze
