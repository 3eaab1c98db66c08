// BatchNormalization, InstanceNormalization, GroupNormalization and LayerNormalization, in inference.
#include <algorithm>
#include <cmath>

#include "graph/axis.h"
#include "graph/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"

namespace adze {
namespace {

std::int64_t channels_of(const Node& node, const Shape& data) {
  return data.rank() < 2 ? 1 : node.channels_last ? data.back() : data[1];
}

Result<void> check_parameters(const InferContext& context, int first, int last) {
  const std::int64_t c = channels_of(context.node, context.shape(0));
  for (int i = first; i <= last; i++) {
    if (context.shape(i).elements() != c) {
      return make_error(Code::invalid_model, "input ", i, " has ", context.shape(i).elements(), " elements for ", c,
                        " channels");
    }
  }
  return {};
}

// ---- BatchNormalization: a factor and an offset per channel
// ----------------------------------------------------------

Result<void> check_batch(const Node& node) {
  if (node.attributes.integer("training_mode", 0))
    return make_error(Code::unsupported, "training mode is not supported");
  if (node.version < 9 && !node.attributes.integer("spatial", 1)) {
    return make_error(Code::unsupported, "statistics per position (spatial 0) are not supported");
  }
  return {};
}

Result<void> infer_batch(InferContext& context) {
  ADZE_CHECK(check_parameters(context, 1, 4));
  context.set_shape(0, context.shape(0));
  for (int i = 1; i < context.output_count(); i++) context.set_shape(i, context.shape(i < 3 ? i + 2 : i));
  return {};
}

struct BatchArgs {
  ScaleShiftFn kernel;
  DType type, parameter_types[4];
  std::int64_t rows, c;
  float epsilon;
};

double parameter(const BatchArgs& args, const Call& call, int i, std::int64_t c) {
  return dispatch(args.parameter_types[i - 1], [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<T>>(call.in<T>(i)[c]));
  });
}

// The channel's factor and offset are cheap beside its pixels, so every thread computes them for itself.
void run_batch(const BatchArgs& args, const Call& call) {
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

Result<Step> prepare_batch(PrepareContext& context) {
  for (int i = 1; i < context.output_count(); i++) {
    if (context.wants_output(i))
      return make_error(Code::unsupported, "running statistics as outputs are not supported");
  }
  const auto& kernel = scale_shift_f32.best(context.isa);
  BatchArgs args{kernel.fn,
                 context.in(0).type,
                 {},
                 0,
                 channels_of(context.node, context.in(0).shape),
                 context.node.attributes.real("epsilon", 1e-5f)};
  for (int i = 1; i <= 4; i++) args.parameter_types[i - 1] = context.in(i).type;
  args.rows = context.in(0).elements() / std::max<std::int64_t>(args.c, 1);
  Step step = make_step<run_batch>(args, concat("scale_shift_f32/", isa_name(kernel.isa)));
  step.scratch_bytes = static_cast<std::size_t>(args.c) * (2 * sizeof(double) + 2 * sizeof(float));
  step.max_parts = elementwise_parts(context.in(0).elements());
  step.in_place = 1;
  return step;
}

// ---- InstanceNormalization, GroupNormalization: mean and variance per image and group of channels
// --------------------

bool is_group(const Node& node) { return node.op->name == "GroupNormalization"; }

std::int64_t groups_of(const Node& node, std::int64_t c) {
  return is_group(node) ? node.attributes.integer("num_groups", 1) : c;
}

Result<void> infer_instance(InferContext& context) {
  const Shape& data = context.shape(0);
  if (data.rank() < 3) return make_error(Code::unsupported, "rank ", data.rank(), " is below 3");
  const std::int64_t c = channels_of(context.node, data), groups = groups_of(context.node, c);
  if (groups == 0 || c % groups != 0) {
    return make_error(Code::invalid_model, c, " channels are not divisible into ", groups, " groups");
  }
  if (context.node.version == 18) {  // GroupNormalization's first version scaled by group
    for (int i = 1; i <= 2; i++) {
      if (context.shape(i).elements() == groups) continue;
      return make_error(Code::invalid_model, "input ", i, " has ", context.shape(i).elements(), " elements for ",
                        groups, " groups");
    }
  } else {
    ADZE_CHECK(check_parameters(context, 1, 2));
  }
  context.set_shape(0, data);
  return {};
}

struct InstanceArgs {
  ReduceColumnsFn sum;
  DeviationFn deviation;
  ScaleShiftFn scale_shift;
  DType type;
  std::int64_t n, pixels, c, groups;
  bool scale_by_group;
  float epsilon;
};

// Sums over this many pixels are taken in float and added up in double, so that large images stay exact.
constexpr std::int64_t kPixelBlock = 64;

// offset[c] = sum of channel c over the image's pixels.
template <class T>
void sum_pixels(const InstanceArgs& args, const T* src, float* block, double* offset) {
  std::fill_n(offset, args.c, 0.0);
  if constexpr (std::is_same_v<T, float>) {
    for (std::int64_t p = 0; p < args.pixels; p += kPixelBlock) {
      args.sum(ReduceOp::sum, src + p * args.c, block, std::min(kPixelBlock, args.pixels - p), args.c);
      for (std::int64_t c = 0; c < args.c; c++) offset[c] += static_cast<double>(block[c]);
    }
  } else {
    for (std::int64_t i = 0; i < args.pixels * args.c; i++) {
      offset[i % args.c] += static_cast<double>(static_cast<Compute<T>>(src[i]));
    }
  }
}

// squares[c] = sum of (x - mean[c])^2 over the image's pixels.
template <class T>
void sum_squares(const InstanceArgs& args, const T* src, const double* mean, float* mean_f32, float* block,
                 double* squares) {
  std::fill_n(squares, args.c, 0.0);
  if constexpr (std::is_same_v<T, float>) {
    for (std::int64_t c = 0; c < args.c; c++) mean_f32[c] = static_cast<float>(mean[c]);
    for (std::int64_t p = 0; p < args.pixels; p += kPixelBlock) {
      args.deviation(src + p * args.c, mean_f32, block, std::min(kPixelBlock, args.pixels - p), args.c);
      for (std::int64_t c = 0; c < args.c; c++) squares[c] += static_cast<double>(block[c]);
    }
  } else {
    for (std::int64_t i = 0; i < args.pixels * args.c; i++) {
      const double d = static_cast<double>(static_cast<Compute<T>>(src[i])) - mean[i % args.c];
      squares[i % args.c] += d * d;
    }
  }
}

// dst = src factor + offset per channel, down the columns of a channels-last image.
template <class T>
void normalise_image(const InstanceArgs& args, const Call& call, const T* src, T* dst) {
  auto* factor = reinterpret_cast<double*>(call.scratch);
  double* offset = factor + args.c;
  auto* a = reinterpret_cast<float*>(offset + args.c);
  float* b = a + args.c;
  const auto value = [](T x) { return static_cast<double>(static_cast<Compute<T>>(x)); };
  const std::int64_t per_group = args.c / args.groups;
  const auto count = static_cast<double>(args.pixels * per_group);
  // The group's mean replaces the sums of its channels, then its variance the sums of squares.
  const auto average = [&](double* sums) {
    for (double* group = sums; group < sums + args.c; group += per_group) {
      double total = 0;
      for (std::int64_t i = 0; i < per_group; i++) total += group[i];
      std::fill_n(group, per_group, total / count);
    }
  };
  sum_pixels(args, src, a, offset);
  average(offset);
  sum_squares(args, src, offset, a, b, factor);
  average(factor);
  for (std::int64_t c = 0; c < args.c; c++) {
    const std::int64_t parameter = args.scale_by_group ? c / per_group : c;
    factor[c] = value(call.in<T>(1)[parameter]) / std::sqrt(factor[c] + static_cast<double>(args.epsilon));
    offset[c] = value(call.in<T>(2)[parameter]) - offset[c] * factor[c];
    a[c] = static_cast<float>(factor[c]);
    b[c] = static_cast<float>(offset[c]);
  }
  if constexpr (std::is_same_v<T, float>) {
    args.scale_shift(src, a, b, dst, args.pixels, args.c);
  } else {
    for (std::int64_t i = 0; i < args.pixels * args.c; i++) {
      dst[i] = static_cast<T>(static_cast<Compute<T>>(value(src[i]) * factor[i % args.c] + offset[i % args.c]));
    }
  }
}

void run_instance(const InstanceArgs& args, const Call& call) {
  const Range images = call.slice.of(args.n);
  const std::int64_t size = args.pixels * args.c;
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t n = images.begin; n < images.end && !call.cancel.requested(); n++) {
      normalise_image(args, call, call.in<T>() + n * size, call.out<T>() + n * size);
    }
  });
}

Result<Step> prepare_instance(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  const std::int64_t c = channels_of(context.node, data);
  const auto& deviation = deviation_f32.best(context.isa);
  const InstanceArgs args{reduce_columns_f32.best(context.isa).fn,
                          deviation.fn,
                          scale_shift_f32.best(context.isa).fn,
                          context.in(0).type,
                          data[0],
                          data.elements(1, data.rank() - 1),
                          c,
                          groups_of(context.node, c),
                          context.node.version == 18,
                          context.node.attributes.real("epsilon", 1e-5f)};
  Step step = make_step<run_instance>(args, concat("deviation_f32/", isa_name(deviation.isa)));
  step.scratch_bytes = static_cast<std::size_t>(c) * 2 * (sizeof(double) + sizeof(float));
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(data[0], 1, 256));
  return step;
}

// ---- LayerNormalization ---------------------------------------------------------------------------------------------

Result<void> infer_layer(InferContext& context) {
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

struct LayerArgs {
  NormRowsFn kernel;
  DType type;
  std::int64_t rows, cols;
  float epsilon;
  bool has_bias, mean, inverse;
};

void run_layer(const LayerArgs& args, const Call& call) {
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

Result<Step> prepare_layer(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, data.rank()));
  const auto& kernel = norm_rows_f32.best(context.isa);
  const LayerArgs args{kernel.fn,
                       context.in(0).type,
                       data.elements(0, axis),
                       data.elements(axis, data.rank()),
                       context.node.attributes.real("epsilon", 1e-5f),
                       context.has(2),
                       context.wants_output(1),
                       context.wants_output(2)};
  Step step = make_step<run_layer>(args, concat("norm_rows_f32/", isa_name(kernel.isa)));
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(std::min(args.rows, data.elements() / 1024), 1, 256));
  return step;
}

DType layer_type(const Node&, std::span<const DType> inputs, int i) { return i == 0 ? inputs[0] : DType::f32; }
DType batch_type(const Node&, std::span<const DType> inputs, int i) {
  return i == 0 || inputs.size() < 5 ? inputs[0] : inputs[3];
}

constexpr int kBatch[] = {1, 6, 7, 9, 14, 15}, kInstance[] = {1, 6, 22}, kGroup[] = {18, 21}, kLayer[] = {17};
constexpr AttrSpec kBatchAttributes[] = {{"epsilon", AttrKind::real},
                                         {"momentum", AttrKind::real},
                                         {"spatial", AttrKind::integer},
                                         {"is_test", AttrKind::integer},
                                         {"training_mode", AttrKind::integer}};
constexpr AttrSpec kInstanceAttributes[] = {{"epsilon", AttrKind::real}};
constexpr AttrSpec kGroupAttributes[] = {
    {"epsilon", AttrKind::real}, {"num_groups", AttrKind::integer, true, 1}, {"stash_type", AttrKind::integer}};
constexpr AttrSpec kLayerAttributes[] = {
    {"axis", AttrKind::integer}, {"epsilon", AttrKind::real}, {"stash_type", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "BatchNormalization",
                           .versions = kBatch,
                           .attributes = kBatchAttributes,
                           .inputs = {5, 5},
                           .outputs = {1, 5},
                           .input_types = kTypes,
                           .output_type = batch_type,
                           .check = check_batch,
                           .infer = infer_batch,
                           .prepare = prepare_batch,
                           .layout = LayoutRule::channels_last},
                          {.name = "InstanceNormalization",
                           .versions = kInstance,
                           .attributes = kInstanceAttributes,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .infer = infer_instance,
                           .prepare = prepare_instance,
                           .layout = LayoutRule::channels_last},
                          {.name = "GroupNormalization",
                           .versions = kGroup,
                           .attributes = kGroupAttributes,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .infer = infer_instance,
                           .prepare = prepare_instance,
                           .layout = LayoutRule::channels_last},
                          {.name = "LayerNormalization",
                           .versions = kLayer,
                           .attributes = kLayerAttributes,
                           .inputs = {2, 3},
                           .outputs = {1, 3},
                           .input_types = kTypes,
                           .output_type = layer_type,
                           .infer = infer_layer,
                           .prepare = prepare_layer}};

}  // namespace
extern const std::span<const OpDef> ops_normalization;
constinit const std::span<const OpDef> ops_normalization{kOps};

}  // namespace adze
