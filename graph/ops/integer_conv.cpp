// ConvInteger and QLinearConv: convolution of 8-bit images, exactly in 32 bits. Padding counts as the zero point, so as
// nothing. Weights may have a zero point and a scale per output channel.
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/window.h"

namespace adze {
namespace {

struct Inputs {
  int x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias;  // -1: none
};
Inputs inputs_of(const Node& node) {
  if (node.op->name == "QLinearConv") return {0, 1, 2, 3, 4, 5, 6, 7, 8};
  return {0, -1, 2, 1, -1, 3, -1, -1, -1};
}

struct Args {
  Inputs in;
  DType x, w, y;
  std::int64_t n, c, oc, group;
  Spatial size, out, kernel, stride, dilation, pad;
  bool x_zero, bias;
  std::int64_t w_zeros, w_scales;
};

struct Problem {
  Image image;
  Window window;
  std::vector<std::int64_t> out;
};

Result<Problem> problem_of(const Node& node, const Shape& x, const Shape& w) {
  Problem p;
  ADZE_TRY(p.image, Image::of(x, false));
  const std::int64_t group = node.attributes.integer("group", 1);
  if (w.rank() != x.rank() || w[1] * group != p.image.c || w[0] % group) {
    return make_error(Code::invalid_model, "weights ", to_string(w), " don't fit ", to_string(x));
  }
  ADZE_TRY(p.window, read_window(node, p.image.axes(), {w.begin() + 2, w.end()}));
  ADZE_TRY(p.out, slide(node, p.window, p.image.spatial, false));
  return p;
}

Result<void> infer(InferContext& context) {
  const Inputs in = inputs_of(context.node);
  const Shape& w = context.shape(in.w);
  ADZE_TRY(Problem p, problem_of(context.node, context.shape(in.x), w));
  for (const int i : {in.w_zero, in.w_scale, in.bias}) {
    if (i < 0 || !context.has(i)) continue;
    const std::int64_t n = context.in(i).elements();
    if (n != w[0] && (n != 1 || i == in.bias)) {
      return make_error(Code::invalid_model, "input ", i, " has ", n, " elements for ", w[0], " output channels");
    }
  }
  p.image.c = w[0];
  p.image.spatial = p.out;
  context.set_shape(0, p.image.shape(false));
  return {};
}

std::int64_t code(const Call& call, DType type, int input, std::int64_t i) {
  return type == DType::u8 ? static_cast<std::int64_t>(call.in<std::uint8_t>(input)[i])
                           : static_cast<std::int64_t>(call.in<std::int8_t>(input)[i]);
}

// The sum for one output; i counts the positions of one plane.
std::int64_t sum_at(const Args& a, const Call& call, std::int64_t n, std::int64_t o, std::int64_t i) {
  const std::int64_t ic = a.c / a.group, first = o / (a.oc / a.group) * ic;
  const std::int64_t x_zero = a.x_zero ? code(call, a.x, a.in.x_zero, 0) : 0;
  const std::int64_t w_zero = a.w_zeros ? code(call, a.w, a.in.w_zero, a.w_zeros == 1 ? 0 : o) : 0;
  const Spatial at = {i / a.out[2] / a.out[1], i / a.out[2] % a.out[1], i % a.out[2]};
  std::int64_t sum = a.bias ? call.in<std::int32_t>(a.in.bias)[o] : 0;
  for (std::int64_t t = 0, taps = volume(a.kernel); t < taps; t++) {
    const Spatial k = {t / a.kernel[2] / a.kernel[1], t / a.kernel[2] % a.kernel[1], t % a.kernel[2]};
    std::int64_t pixel = 0;
    bool inside = true;
    for (std::size_t axis = 0; axis < kSpatial; axis++) {
      const std::int64_t p = at[axis] * a.stride[axis] + k[axis] * a.dilation[axis] - a.pad[axis];
      inside = inside && p >= 0 && p < a.size[axis];
      pixel = pixel * a.size[axis] + p;
    }
    if (!inside) continue;
    for (std::int64_t c = 0; c < ic; c++) {
      sum += (code(call, a.x, a.in.x, (n * a.c + first + c) * volume(a.size) + pixel) - x_zero) *
             (code(call, a.w, a.in.w, (o * ic + c) * taps + t) - w_zero);
    }
  }
  return sum;
}

void run(const Args& a, const Call& call) {
  const std::int64_t plane = volume(a.out);
  const Range planes = call.slice.of(a.n * a.oc);
  for (std::int64_t p = planes.begin; p < planes.end && !call.cancel.requested(); p++) {
    const std::int64_t n = p / a.oc, o = p % a.oc;
    for (std::int64_t i = 0; i < plane; i++) {
      const std::int64_t sum = sum_at(a, call, n, o, i), at = p * plane + i;
      if (a.in.y_scale < 0) {
        call.out<std::int32_t>()[at] = static_cast<std::int32_t>(sum);
        continue;
      }
      const double factor = static_cast<double>(call.in(a.in.x_scale)[0]) *
                            static_cast<double>(call.in(a.in.w_scale)[a.w_scales == 1 ? 0 : o]) /
                            static_cast<double>(call.in(a.in.y_scale)[0]);
      const double rounded =
          std::nearbyint(static_cast<double>(sum) * factor) + static_cast<double>(code(call, a.y, a.in.y_zero, 0));
      if (a.y == DType::u8) {
        call.out<std::uint8_t>()[at] = static_cast<std::uint8_t>(std::clamp(rounded, 0.0, 255.0));
      } else {
        call.out<std::int8_t>()[at] = static_cast<std::int8_t>(std::clamp(rounded, -128.0, 127.0));
      }
    }
  }
}

Result<Step> prepare(PrepareContext& context) {
  const Inputs in = inputs_of(context.node);
  const auto count = [&](int i) { return i >= 0 && context.has(i) ? context.in(i).elements() : 0; };
  ADZE_TRY(const Problem p, problem_of(context.node, context.in(in.x).shape, context.in(in.w).shape));
  Args a{};
  a.in = in;
  a.x = context.in(in.x).type;
  a.w = context.in(in.w).type;
  a.y = context.out().type;
  a.n = p.image.n;
  a.c = p.image.c;
  a.oc = context.in(in.w).shape[0];
  a.group = context.node.attributes.integer("group", 1);
  a.size = padded(p.image.spatial, 1);
  a.out = padded(p.out, 1);
  a.kernel = padded(p.window.kernel, 1);
  a.stride = padded(p.window.stride, 1);
  a.dilation = padded(p.window.dilation, 1);
  a.pad = padded(p.window.pad_begin, 0);
  a.x_zero = count(in.x_zero) > 0;
  a.bias = count(in.bias) > 0;
  a.w_zeros = count(in.w_zero);
  a.w_scales = count(in.w_scale);
  if ((a.x_zero && context.in(in.x_zero).type != a.x) || (a.w_zeros && context.in(in.w_zero).type != a.w)) {
    return make_error(Code::invalid_model, "a zero point has another type than its tensor");
  }
  Step step = make_step<run>(a, "integer_conv");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(a.n * a.oc, 1, 256));
  step.flops = 2.0 * static_cast<double>(context.out().elements() * (a.c / a.group) * volume(a.kernel));
  return step;
}

constexpr int kVersions[] = {10};
constexpr AttrSpec kAttributes[] = {kWindowAttributes[0], kWindowAttributes[1],
                                    kWindowAttributes[2], kWindowAttributes[3],
                                    kWindowAttributes[4], {"group", AttrKind::integer, false, 1, kMaxWindow}};
constexpr TypeMask kBytes = types(DType::u8, DType::i8), kScale = types(DType::f32);
constexpr TypeMask kIntegerTypes[] = {kBytes};
constexpr TypeMask kLinearTypes[] = {kBytes, kScale, kBytes, kBytes, kScale, kBytes, kScale, kBytes, types(DType::i32)};

constexpr OpDef kOps[] = {{.name = "ConvInteger",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 4},
                           .input_types = kIntegerTypes,
                           .own_type = 0b1010,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::i32; },
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0>,
                           .note = kImageNote},
                          {.name = "QLinearConv",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {8, 9},
                           .input_types = kLinearTypes,
                           .own_type = 0b110101000,
                           .output_type = [](const Node&, std::span<const DType> in, int) { return in[7]; },
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0>,
                           .note = kImageNote}};

}  // namespace
extern const std::span<const OpDef> ops_integer_conv;
constinit const std::span<const OpDef> ops_integer_conv{kOps};

}  // namespace adze
