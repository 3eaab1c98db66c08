// ConvTranspose, by phases: output positions with the same remainder by the stride read the same kernel elements, so
// each phase is an ordinary indirect convolution with a part of the kernel (kernels/conv/conv.h). Types other than f32
// take the plain form.
#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/conv/plain.h"
#include "graph/window.h"
#include "kernels/conv/conv.h"

namespace adze {
namespace {

struct Problem {
  Image src, dst;
  Window window;
  std::int64_t groups, group_oc;

  std::int64_t group_ic() const { return src.c / groups; }
  ConvGeometry geometry() const {
    return {src.n,
            padded(src.spatial, 1),
            padded(dst.spatial, 1),
            padded(window.kernel, 1),
            padded(window.stride, 1),
            padded(window.dilation, 1),
            padded(window.pad_begin, 0),
            group_ic(),
            src.c};
  }
};

// The output's size along one axis, and the padding before it: given by pads, by auto_pad, or by output_shape.
Result<std::int64_t> out_size(const Node& node, Window& w, std::size_t axis, std::int64_t in, std::int64_t extra,
                              const std::vector<std::int64_t>& output_shape) {
  const std::int64_t full = (in - 1) * w.stride[axis] + extra + w.reach(axis);
  const std::string auto_pad = node.attributes.string("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (output_shape.empty() && !same) {
    if (auto_pad == "VALID") w.pad_begin[axis] = w.pad_end[axis] = 0;
    return full - w.pad_begin[axis] - w.pad_end[axis];
  }
  const std::int64_t size = output_shape.empty() ? in * w.stride[axis] : output_shape[axis];
  // A result that is larger than the full one grows at its end.
  const std::int64_t total = std::max<std::int64_t>(full - size, 0);
  w.pad_begin[axis] = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
  w.pad_end[axis] = full - size - w.pad_begin[axis];
  return size;
}

Result<Problem> problem_of(const Node& node, const Shape& x, const Shape& w) {
  Problem p;
  ADZE_TRY(p.src, Image::of(x, node.channels_last));
  p.groups = node.attributes.integer("group", 1);
  if (w.rank() != x.rank() || w[0] != p.src.c || p.src.c % p.groups != 0) {
    return make_error(Code::invalid_model, "weights ", to_string(w), " in ", p.groups, " groups don't fit ", p.src.c,
                      " channels");
  }
  p.group_oc = w[1];
  const std::vector<std::int64_t> kernel(w.begin() + 2, w.end());
  if (std::ranges::count(kernel, 0)) return make_error(Code::invalid_model, "the kernel is empty");
  ADZE_TRY(p.window, read_window(node, p.src.axes(), kernel));
  auto extra = node.attributes.integers("output_padding", std::vector<std::int64_t>(kernel.size(), 0));
  auto output_shape = node.attributes.integers("output_shape");
  // Some writers list all dimensions of the result, not only the spatial ones.
  if (output_shape.size() == kernel.size() + 2) output_shape.erase(output_shape.begin(), output_shape.begin() + 2);
  if (extra.size() != kernel.size() || (!output_shape.empty() && output_shape.size() != kernel.size())) {
    return make_error(Code::invalid_model, "\"output_padding\" or \"output_shape\" doesn't have ", kernel.size(),
                      " entries");
  }
  p.dst = {p.src.n, p.group_oc * p.groups, {}};
  for (std::size_t axis = 0; axis < kernel.size(); axis++) {
    ADZE_TRY(const std::int64_t size, out_size(node, p.window, axis, p.src.spatial[axis], extra[axis], output_shape));
    if (size < 0) return make_error(Code::invalid_model, "axis ", axis, " of the result has size ", size);
    p.dst.spatial.push_back(size);
  }
  return p;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Problem p, problem_of(context.node, context.shape(0), context.shape(1)));
  if (context.has(2) && context.shape(2).elements() != p.dst.c) {
    return make_error(Code::invalid_model, "the bias has ", context.shape(2).elements(), " elements, not ", p.dst.c);
  }
  context.set_shape(0, p.dst.shape(context.node.channels_last));
  return {};
}

struct Part {
  Phase phase;
  std::int64_t weights;  // offset of the phase's packed weights within a group
};

struct Args {
  Problem problem;
  ConvGeometry geometry;
  std::vector<Part> parts;
  std::int64_t group_size;  // floats of packed weights per group
  const TileSet* tiles;
  const float* weights;  // null: packed from input 1 in every run
  bool has_bias;
  ActivationArgs activation;
};

std::vector<Part> parts_of(const ConvGeometry& g, std::int64_t oc, std::int64_t& group_size) {
  std::vector<Part> parts;
  group_size = 0;
  Part part;
  for (std::int64_t d = 0; d < g.stride[0]; d++) {
    for (std::int64_t h = 0; h < g.stride[1]; h++) {
      for (std::int64_t w = 0; w < g.stride[2]; w++) {
        if (!phase_of(g, 0, d, part.phase) || !phase_of(g, 1, h, part.phase) || !phase_of(g, 2, w, part.phase))
          continue;
        part.weights = group_size;
        group_size += packed_b_size(volume(part.phase.taps) * g.ic, oc);
        parts.push_back(part);
      }
    }
  }
  return parts;
}

// Packs [ic, oc, taps] weights; every phase takes its kernel elements. A row of zeros lies behind the last group.
void pack(const Args& args, const float* w, float* dst) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t oc = args.problem.group_oc, taps = g.taps();
  for (std::int64_t group = 0; group < args.problem.groups; group++) {
    const float* from = w + group * g.ic * oc * taps;
    for (const Part& part : args.parts) {
      const Phase& p = part.phase;
      pack_b(volume(p.taps) * g.ic, oc, args.tiles->max_blocks, dst + group * args.group_size + part.weights,
             [&](std::int64_t k, std::int64_t o) {
               const std::int64_t t = k / g.ic, i = k % g.ic;
               const std::int64_t z = p.tap_first[0] + t / p.taps[2] / p.taps[1] * p.tap_step[0];
               const std::int64_t y = p.tap_first[1] + t / p.taps[2] % p.taps[1] * p.tap_step[1];
               const std::int64_t x = p.tap_first[2] + t % p.taps[2] * p.tap_step[2];
               return from[(i * oc + o) * taps + (z * g.kernel[1] + y) * g.kernel[2] + x];
             });
    }
  }
  std::fill_n(dst + args.problem.groups * args.group_size, g.ic, 0.0f);
}

void run_phase(const Args& args, const Call& call, const float* weights, const float* bias, std::int64_t group,
               const Part& part) {
  ConvGeometry g = args.geometry;
  g.ic_pitch = call.pitch(0, args.problem.src.c);
  const std::int64_t dst_pitch = call.out_pitch(args.problem.dst.c);
  const Phase& p = part.phase;
  const float* zeros = weights + args.problem.groups * args.group_size;
  // Lines of the phase are independent; each is a GEMM over the positions along w.
  const std::int64_t lines = g.n * p.count[0] * p.count[1];
  const Range mine = call.slice.of(lines);
  for (std::int64_t line = mine.begin; line < mine.end && !call.cancel.requested(); line++) {
    const std::int64_t h = line % p.count[1], d = line / p.count[1] % p.count[0],
                       image = line / p.count[1] / p.count[0];
    const PhaseRows rows{call.in() + group * g.ic, zeros, &g, &p, image, d, h};
    const std::int64_t z = p.first[0] + d * g.stride[0], y = p.first[1] + h * g.stride[1];
    GemmArgs gemm{};
    gemm.m = p.count[2];
    gemm.n = args.problem.group_oc;
    gemm.taps = volume(p.taps);
    gemm.kc = g.ic;
    gemm.rows = phase_rows;
    gemm.context = &rows;
    gemm.b = weights + group * args.group_size + part.weights;
    gemm.c = call.out() + (((image * g.out[0] + z) * g.out[1] + y) * g.out[2] + p.first[2]) * dst_pitch +
             group * args.problem.group_oc;
    gemm.ldc = dst_pitch * g.stride[2];
    gemm.bias = bias ? bias + group * blocks_of(args.problem.group_oc) * kBlock : nullptr;
    gemm.activation = args.activation;
    gemm.tiles = args.tiles;
    gemm_f32(gemm, {0, 1}, call.cancel);
  }
}

std::int64_t weights_size(const Args& args) { return args.problem.groups * args.group_size + args.geometry.ic; }
std::int64_t bias_size(const Args& args) { return args.problem.groups * blocks_of(args.problem.group_oc) * kBlock; }

void run(const Args& args, const Call& call) {
  auto* scratch = reinterpret_cast<float*>(call.scratch);
  const std::int64_t oc = args.problem.group_oc, pitch = blocks_of(oc) * kBlock;
  if (args.has_bias) {
    std::fill_n(scratch, bias_size(args), 0.0f);
    for (std::int64_t o = 0; o < args.problem.dst.c; o++) scratch[o / oc * pitch + o % oc] = call.in(2)[o];
  }
  const float* weights = args.weights;
  if (!weights) {
    pack(args, call.in(1), scratch + bias_size(args));
    weights = scratch + bias_size(args);
  }
  for (std::int64_t group = 0; group < args.problem.groups; group++) {
    for (const Part& part : args.parts) run_phase(args, call, weights, args.has_bias ? scratch : nullptr, group, part);
  }
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_ASSERT(context.node.channels_last);
  ADZE_TRY(const Problem p, problem_of(context.node, context.in(0).shape, context.in(1).shape));
  if (const DType type = context.in(0).type; type != DType::f32) {
    return plain_conv({type, true, context.has(2), p.groups, p.group_oc, p.geometry()});
  }
  const auto& tiles = gemm_tile_f32.best(context.isa);
  Args args{p, p.geometry(), {}, 0, tiles.fn, nullptr, context.has(2), context.node.activation};
  args.parts = parts_of(args.geometry, p.group_oc, args.group_size);
  const bool constant = context.in(1).value != nullptr;
  const auto bytes = static_cast<std::size_t>(weights_size(args)) * sizeof(float);
  if (constant) {
    // Which elements form a phase depends on strides, dilations and pads.
    std::string format = concat("transpose/", p.groups, '/', isa_name(tiles.isa));
    for (std::size_t axis = 0; axis < p.window.kernel.size(); axis++) {
      format += concat('/', p.window.stride[axis], ',', p.window.dilation[axis], ',', p.window.pad_begin[axis], ',',
                       p.dst.spatial[axis]);
    }
    ADZE_TRY(const std::byte* packed, context.pack(1, format, bytes, [&](std::byte* out) {
      pack(args, context.in(1).value->as<float>().data(), reinterpret_cast<float*>(out));
    }));
    args.weights = reinterpret_cast<const float*>(packed);
  }
  const std::size_t scratch = static_cast<std::size_t>(bias_size(args)) * sizeof(float) + (constant ? 0 : bytes);
  Step step = make_step<run>(std::move(args), concat("conv_transpose_f32/", isa_name(tiles.isa)));
  step.scratch_bytes = scratch;
  step.unread = constant ? 0b10 : 0;
  step.pitched = 1;
  step.pitched_output = true;
  step.flops = 2.0 * static_cast<double>(p.src.n * volume(padded(p.src.spatial, 1)) * p.geometry().taps()) *
               static_cast<double>(p.src.c * p.group_oc);
  step.max_parts = 256;
  return step;
}

constexpr int kVersions[] = {1, 11, 22};
constexpr AttrSpec kAttributes[] = {kWindowAttributes[0],
                                    kWindowAttributes[1],
                                    kWindowAttributes[2],
                                    kWindowAttributes[3],
                                    kWindowAttributes[4],
                                    {"group", AttrKind::integer, false, 1, std::numeric_limits<std::int32_t>::max()},
                                    {"output_padding", AttrKind::integers, false, 0, kMaxWindow},
                                    {"output_shape", AttrKind::integers, false, 1, kMaxWindow}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "ConvTranspose",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 3},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0>,
                           .layout = LayoutRule::channels_last,
                           .takes_epilogue = is_f32,
                           .note = kImageNote}};

}  // namespace
extern const std::span<const OpDef> ops_conv_transpose;
constinit const std::span<const OpDef> ops_conv_transpose{kOps};

}  // namespace adze
