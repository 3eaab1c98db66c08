// InstanceNormalization and GroupNormalization: mean and variance per image and group of channels, channels-last.
#include <algorithm>
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"

namespace adze {
namespace {

std::int64_t channels_of(const Node& node, const Shape& data) { return node.channels_last ? data.back() : data[1]; }

Result<void> check_parameters(const InferContext& context, std::int64_t c) {
  for (int i = 1; i <= 2; i++) {
    if (context.shape(i).elements() != c) {
      return make_error(Code::invalid_model, "input ", i, " has ", context.shape(i).elements(), " elements for ", c,
                        " channels");
    }
  }
  return {};
}

bool is_group(const Node& node) { return node.op->name == "GroupNormalization"; }

std::int64_t groups_of(const Node& node, std::int64_t c) {
  return is_group(node) ? node.attributes.integer("num_groups", 1) : c;
}

Result<void> infer(InferContext& context) {
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
    ADZE_CHECK(check_parameters(context, c));
  }
  context.set_shape(0, data);
  return {};
}

struct Args {
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
void sum_pixels(const Args& args, const T* src, float* block, double* offset) {
  std::fill_n(offset, args.c, 0.0);
  if constexpr (std::is_same_v<T, float>) {
    for (std::int64_t p = 0; p < args.pixels; p += kPixelBlock) {
      args.sum(ReduceOp::sum, src + p * args.c, args.c, block, std::min(kPixelBlock, args.pixels - p), args.c);
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
void sum_squares(const Args& args, const T* src, const double* mean, float* mean_f32, float* block, double* squares) {
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
void normalise_image(const Args& args, const Call& call, const T* src, T* dst) {
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
    args.scale_shift(src, args.c, a, b, dst, args.pixels, args.c);
  } else {
    for (std::int64_t i = 0; i < args.pixels * args.c; i++) {
      dst[i] = static_cast<T>(static_cast<Compute<T>>(value(src[i]) * factor[i % args.c] + offset[i % args.c]));
    }
  }
}

void run(const Args& args, const Call& call) {
  const Range images = call.slice.of(args.n);
  const std::int64_t size = args.pixels * args.c;
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t n = images.begin; n < images.end && !call.cancel.requested(); n++) {
      normalise_image(args, call, call.in<T>() + n * size, call.out<T>() + n * size);
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  const std::int64_t c = channels_of(context.node, data);
  const auto& deviation = deviation_f32.best(context.isa);
  const Args args{reduce_columns_f32.best(context.isa).fn,
                  deviation.fn,
                  scale_shift_f32.best(context.isa).fn,
                  context.in(0).type,
                  data[0],
                  data.elements(1, data.rank() - 1),
                  c,
                  groups_of(context.node, c),
                  context.node.version == 18,
                  context.node.attributes.real("epsilon", 1e-5f)};
  Step step = make_step<run>(args, concat("deviation_f32/", isa_name(deviation.isa)));
  step.scratch_bytes = static_cast<std::size_t>(c) * 2 * (sizeof(double) + sizeof(float));
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(data[0], 1, 256));
  return step;
}

constexpr int kInstance[] = {1, 6, 22}, kGroup[] = {18, 21};
constexpr AttrSpec kInstanceAttributes[] = {{"epsilon", AttrKind::real}};
constexpr AttrSpec kGroupAttributes[] = {
    {"epsilon", AttrKind::real}, {"num_groups", AttrKind::integer, true, 1}, {"stash_type", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};
constexpr OpDef kOps[] = {{.name = "InstanceNormalization",
                           .versions = kInstance,
                           .attributes = kInstanceAttributes,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0>,
                           .layout = LayoutRule::channels_last},
                          {.name = "GroupNormalization",
                           .versions = kGroup,
                           .attributes = kGroupAttributes,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0>,
                           .layout = LayoutRule::channels_last}};

}  // namespace
extern const std::span<const OpDef> ops_instance_normalization;
constinit const std::span<const OpDef> ops_instance_normalization{kOps};

}  // namespace adze
