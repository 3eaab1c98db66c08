// BatchNormalization in inference: a factor and an offset per channel.
#include <algorithm>
#include <cmath>

#include "graph/elementwise.h"
#include "kernels/norm/norm.h"

namespace adze {
namespace {

std::int64_t channels_of(const Node& node, const Shape& data) {
  return data.rank() < 2 ? 1 : node.channels_last ? data.back() : data[1];
}

Result<void> check(const Node& node) {
  if (node.attributes.integer("training_mode", 0))
    return make_error(Code::unsupported, "training mode is not supported");
  if (node.version < 9 && !node.attributes.integer("spatial", 1)) {
    return make_error(Code::unsupported, "statistics per position (spatial 0) are not supported");
  }
  return {};
}

Result<void> infer(InferContext& context) {
  const std::int64_t c = channels_of(context.node, context.shape(0));
  for (int i = 1; i <= 4; i++) {
    if (context.shape(i).elements() != c) {
      return make_error(Code::invalid_model, "input ", i, " has ", context.shape(i).elements(), " elements for ", c,
                        " channels");
    }
  }
  context.set_shape(0, context.shape(0));
  for (int i = 1; i < context.output_count(); i++) context.set_shape(i, context.shape(i < 3 ? i + 2 : i));
  return {};
}

struct Args {
  ScaleShiftFn kernel;
  DType type, parameter_types[4];
  std::int64_t rows, c;
  float epsilon;
};

double parameter(const Args& args, const Call& call, int i, std::int64_t c) {
  return dispatch(args.parameter_types[i - 1], [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<T>>(call.in<T>(i)[c]));
  });
}

// The channel's factor and offset are cheap beside its pixels, so every thread computes them for itself.
void run(const Args& args, const Call& call) {
  auto* scale = reinterpret_cast<double*>(call.scratch);
  double* shift = scale + args.c;
  for (std::int64_t c = 0; c < args.c; c++) {
    scale[c] = parameter(args, call, 1, c) / std::sqrt(parameter(args, call, 4, c) + static_cast<double>(args.epsilon));
    shift[c] = parameter(args, call, 2, c) - parameter(args, call, 3, c) * scale[c];
  }
  const Range rows = call.slice.of(args.rows);
  if (args.type == DType::f32) {
    auto* factors = reinterpret_cast<float*>(shift + args.c);
    for (std::int64_t c = 0; c < 2 * args.c; c++) factors[c] = static_cast<float>(scale[c]);
    args.kernel(call.in() + rows.begin * args.c, factors, factors + args.c, call.out() + rows.begin * args.c,
                rows.size(), args.c);
    return;
  }
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = rows.begin * args.c; i < rows.end * args.c; i++) {
      const double x = static_cast<double>(static_cast<Compute<T>>(call.in<T>()[i]));
      call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(x * scale[i % args.c] + shift[i % args.c]));
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  for (int i = 1; i < context.output_count(); i++) {
    if (context.wants_output(i))
      return make_error(Code::unsupported, "running statistics as outputs are not supported");
  }
  const auto& kernel = scale_shift_f32.best(context.isa);
  Args args{kernel.fn,
            context.in(0).type,
            {},
            0,
            channels_of(context.node, context.in(0).shape),
            context.node.attributes.real("epsilon", 1e-5f)};
  for (int i = 1; i <= 4; i++) args.parameter_types[i - 1] = context.in(i).type;
  args.rows = context.in(0).elements() / std::max<std::int64_t>(args.c, 1);
  Step step = make_step<run>(args, concat("scale_shift_f32/", isa_name(kernel.isa)));
  step.scratch_bytes = static_cast<std::size_t>(args.c) * (2 * sizeof(double) + 2 * sizeof(float));
  step.max_parts = elementwise_parts(context.in(0).elements());
  step.in_place = 1;
  return step;
}

DType output_type_of(const Node&, std::span<const DType> inputs, int i) {
  return i == 0 || inputs.size() < 5 ? inputs[0] : inputs[3];
}

constexpr int kVersions[] = {1, 6, 7, 9, 14, 15};
constexpr AttrSpec kAttributes[] = {{"epsilon", AttrKind::real},
                                    {"momentum", AttrKind::real},
                                    {"spatial", AttrKind::integer},
                                    {"is_test", AttrKind::integer},
                                    {"training_mode", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};
constexpr OpDef kOps[] = {{.name = "BatchNormalization",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {5, 5},
                           .outputs = {1, 5},
                           .input_types = kTypes,
                           .output_type = output_type_of,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .layout = LayoutRule::channels_last,
                           .note = "no statistics per position (spatial 0, before opset 9)"}};

}  // namespace
extern const std::span<const OpDef> ops_batch_normalization;
constinit const std::span<const OpDef> ops_batch_normalization{kOps};

}  // namespace adze
