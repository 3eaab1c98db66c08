// LayerNormalization: mean and variance over all axes from one on.
#include <algorithm>
#include <cmath>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "kernels/norm/norm.h"

namespace adze {
namespace {

Result<void> infer(InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, data.rank()));
  const std::int64_t cols = data.elements(axis, data.rank());
  for (int i = 1; i <= 2; i++) {
    if (!context.has(i)) continue;
    const auto whole = broadcast(context.shape(i), data);
    if (!whole || !(*whole == data))
      return make_error(Code::invalid_model, "input ", i, " of shape ", to_string(context.shape(i)), " doesn't fit");
    if (context.shape(i).elements() != cols)
      return make_error(Code::unsupported, "a broadcast scale or bias is not supported");
  }
  Shape statistics = data;
  for (int i = axis; i < data.rank(); i++) statistics[i] = 1;
  context.set_shape(0, data);
  context.set_shape(1, statistics);
  context.set_shape(2, statistics);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, rank));
  return lanes_except(context, axes_from(axis, rank));
}

struct Args {
  NormRowsFn kernel;
  DType type;
  std::int64_t rows, cols;
  float epsilon;
  bool has_bias, mean, inverse;
};

void run(const Args& args, const Call& call) {
  const Range rows = call.slice.of(args.rows);
  float* mean = args.mean ? call.out(1) + rows.begin : nullptr;
  float* inverse = args.inverse ? call.out(2) + rows.begin : nullptr;
  if (args.type == DType::f32) {
    const NormArgs norm{call.in(1), args.has_bias ? call.in(2) : nullptr, args.epsilon, mean, inverse};
    args.kernel(norm, call.in() + rows.begin * args.cols, call.out() + rows.begin * args.cols, rows.size(), args.cols);
    return;
  }
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto value = [](const T* p, std::int64_t i) { return static_cast<double>(static_cast<Compute<T>>(p[i])); };
    for (std::int64_t r = rows.begin; r < rows.end; r++) {
      const T* src = call.in<T>() + r * args.cols;
      double total = 0, squares = 0;
      for (std::int64_t c = 0; c < args.cols; c++) total += value(src, c);
      const double m = total / static_cast<double>(args.cols);
      for (std::int64_t c = 0; c < args.cols; c++) squares += (value(src, c) - m) * (value(src, c) - m);
      const double inv = 1 / std::sqrt(squares / static_cast<double>(args.cols) + static_cast<double>(args.epsilon));
      for (std::int64_t c = 0; c < args.cols; c++) {
        const double bias = args.has_bias ? value(call.in<T>(2), c) : 0;
        call.out<T>()[r * args.cols + c] =
            static_cast<T>(static_cast<Compute<T>>((value(src, c) - m) * inv * value(call.in<T>(1), c) + bias));
      }
      if (mean) mean[r - rows.begin] = static_cast<float>(m);
      if (inverse) inverse[r - rows.begin] = static_cast<float>(inv);
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, data.rank()));
  const auto& kernel = norm_rows_f32.best(context.isa);
  const Args args{kernel.fn,
                  context.in(0).type,
                  data.elements(0, axis),
                  data.elements(axis, data.rank()),
                  context.node.attributes.real("epsilon", 1e-5f),
                  context.has(2),
                  context.wants_output(1),
                  context.wants_output(2)};
  Step step = make_step<run>(args, concat("norm_rows_f32/", isa_name(kernel.isa)));
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(std::min(args.rows, data.elements() / 1024), 1, 256));
  return step;
}

DType output_type_of(const Node&, std::span<const DType> inputs, int i) { return i == 0 ? inputs[0] : DType::f32; }

constexpr int kVersions[] = {17};
constexpr AttrSpec kAttributes[] = {
    {"axis", AttrKind::integer}, {"epsilon", AttrKind::real}, {"stash_type", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};
constexpr OpDef kOps[] = {{.name = "LayerNormalization",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 3},
                           .outputs = {1, 3},
                           .input_types = kTypes,
                           .output_type = output_type_of,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .note = "scale and bias of the normalised axes, not broadcast"}};

}  // namespace
extern const std::span<const OpDef> ops_layer_normalization;
constinit const std::span<const OpDef> ops_layer_normalization{kOps};

}  // namespace adze
