// DeformConv: a 2-D convolution whose taps are moved by offsets, read between pixels with bilinear weights and zeros
// outside, and scaled by a mask (Zhu et al., "Deformable ConvNets v2"). Sums are taken in double.
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/window.h"

namespace adze {
namespace {

enum Input { kX, kW, kOffset, kBias, kMask };

struct Args {
  DType type;
  std::int64_t n, c, oc, group, offset_group;
  std::vector<std::int64_t> in, out, kernel, stride, dilation, pad;
  bool bias, mask;
};

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto has = [&](std::size_t i) { return i < inputs.size() && inputs[i]; };
  const Shape &x = inputs[kX]->shape, &w = inputs[kW]->shape;
  if (x.rank() != 4 || w.rank() != 4) return make_error(Code::unsupported, "only images of two axes are supported");
  Args a{};
  a.type = inputs[kX]->type;
  a.n = x[0];
  a.c = x[1];
  a.oc = w[0];
  a.group = node.attributes.integer("group", 1);
  a.offset_group = node.attributes.integer("offset_group", 1);
  a.in = {x[2], x[3]};
  ADZE_TRY(Window window, read_window(node, 2, {w[2], w[3]}));
  ADZE_TRY(a.out, slide(node, window, a.in, false));
  a.kernel = window.kernel;
  a.stride = window.stride;
  a.dilation = window.dilation;
  a.pad = window.pad_begin;
  a.bias = has(kBias);
  a.mask = has(kMask);
  const std::int64_t taps = a.kernel[0] * a.kernel[1];
  bool fits = w[1] * a.group == a.c && a.oc % a.group == 0 && a.c % a.offset_group == 0 &&
              inputs[kOffset]->shape == Shape{a.n, 2 * a.offset_group * taps, a.out[0], a.out[1]};
  fits = fits && (!a.bias || inputs[kBias]->shape == Shape{a.oc}) &&
         (!a.mask || inputs[kMask]->shape == Shape{a.n, a.offset_group * taps, a.out[0], a.out[1]});
  if (!fits) return make_error(Code::invalid_model, "weights, offsets, bias or mask don't fit ", to_string(x));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  context.set_shape(0, {a.n, a.oc, a.out[0], a.out[1]});
  return {};
}

template <class T>
double real(const T* p, std::int64_t i) {
  return static_cast<double>(static_cast<Compute<T>>(p[i]));
}

template <class T>
double between(const Args& a, const T* plane, double y, double x) {
  if (!(y > -1 && y < static_cast<double>(a.in[0]) && x > -1 && x < static_cast<double>(a.in[1]))) return 0;
  const double fy = std::floor(y), fx = std::floor(x);
  double sum = 0;
  for (int dy = 0; dy < 2; dy++) {
    for (int dx = 0; dx < 2; dx++) {
      const auto py = static_cast<std::int64_t>(fy) + dy, px = static_cast<std::int64_t>(fx) + dx;
      if (py < 0 || py >= a.in[0] || px < 0 || px >= a.in[1]) continue;
      sum += (dy ? y - fy : 1 - y + fy) * (dx ? x - fx : 1 - x + fx) * real(plane, py * a.in[1] + px);
    }
  }
  return sum;
}

void run(const Args& a, const Call& call) {
  const std::int64_t taps = a.kernel[0] * a.kernel[1], positions = a.out[0] * a.out[1], ic = a.c / a.group;
  const Range lines = call.slice.of(a.n * a.oc);
  dispatch_float(a.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t line = lines.begin; line < lines.end && !call.cancel.requested(); line++) {
      const std::int64_t n = line / a.oc, o = line % a.oc;
      for (std::int64_t i = 0; i < positions; i++) {
        double sum = a.bias ? real(call.in<T>(kBias), o) : 0;
        for (std::int64_t k = 0; k < ic; k++) {
          const std::int64_t c = o / (a.oc / a.group) * ic + k, g = c / (a.c / a.offset_group);
          const T* plane = call.in<T>() + (n * a.c + c) * a.in[0] * a.in[1];
          for (std::int64_t t = 0; t < taps; t++) {
            const std::int64_t shift = ((n * a.offset_group + g) * taps + t) * 2 * positions + i;
            const double y =
                static_cast<double>(i / a.out[1] * a.stride[0] + t / a.kernel[1] * a.dilation[0] - a.pad[0]) +
                real(call.in<T>(kOffset), shift);
            const double x =
                static_cast<double>(i % a.out[1] * a.stride[1] + t % a.kernel[1] * a.dilation[1] - a.pad[1]) +
                real(call.in<T>(kOffset), shift + positions);
            double value = between(a, plane, y, x) * real(call.in<T>(kW), (o * ic + k) * taps + t);
            if (a.mask) value *= real(call.in<T>(kMask), ((n * a.offset_group + g) * taps + t) * positions + i);
            sum += value;
          }
        }
        call.out<T>()[line * positions + i] = static_cast<T>(static_cast<Compute<T>>(sum));
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  const std::int64_t lines = a.n * a.oc;
  const double flops =
      10.0 * static_cast<double>(lines * a.out[0] * a.out[1] * a.c / a.group * a.kernel[0] * a.kernel[1]);
  Step step = make_step<run>(std::move(a), "deform_conv");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(lines, 1, 256));
  step.flops = flops;
  return step;
}

constexpr int kVersions[] = {19, 22};
constexpr AttrSpec kAttributes[] = {kWindowAttributes[1],
                                    kWindowAttributes[2],
                                    kWindowAttributes[3],
                                    kWindowAttributes[4],
                                    {"group", AttrKind::integer, false, 1, kMaxWindow},
                                    {"offset_group", AttrKind::integer, false, 1, kMaxWindow}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "DeformConv",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 5},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<kX, kOffset, kMask>,
                           .note = "2 spatial axes"}};

}  // namespace
extern const std::span<const OpDef> ops_deform_conv;
constinit const std::span<const OpDef> ops_deform_conv{kOps};

}  // namespace adze
