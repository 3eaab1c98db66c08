// Conv. Runs channels-last as an indirect GEMM per group, or with a kernel of its own when each channel is a group;
// types other than f32 take the plain form.
#include "kernels/conv/conv.h"

#include <algorithm>
#include <cstring>

#include "graph/batch/lanes.h"
#include "graph/plain_conv.h"
#include "graph/window.h"
#include "kernels/conv/depthwise.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 11, 22};
constexpr AttrSpec kAttributes[] = {
    kWindowAttributes[0], kWindowAttributes[1],
    kWindowAttributes[2], kWindowAttributes[3],
    kWindowAttributes[4], {"group", AttrKind::integer, false, 1, std::numeric_limits<std::int32_t>::max()}};
constexpr TypeMask kTypes[] = {kFloats};

// A convolution whose shapes have been checked.
struct Problem {
  Image src, dst;
  Window window;
  std::int64_t groups;

  std::int64_t group_ic() const { return src.c / groups; }
  std::int64_t group_oc() const { return dst.c / groups; }
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

Result<Problem> problem_of(const Node& node, const Shape& x, const Shape& w) {
  Problem p;
  ADZE_TRY(p.src, Image::of(x, node.channels_last));
  p.groups = node.attributes.integer("group", 1);
  if (w.rank() != x.rank()) return make_error(Code::invalid_model, "weights have rank ", w.rank(), ", not ", x.rank());
  if (w[1] * p.groups != p.src.c || w[0] % p.groups != 0) {
    return make_error(Code::invalid_model, "weights ", to_string(w), " in ", p.groups, " groups don't fit ", p.src.c,
                      " channels");
  }
  const std::vector<std::int64_t> kernel(w.begin() + 2, w.end());
  if (std::ranges::count(kernel, 0)) return make_error(Code::invalid_model, "the kernel is empty");
  ADZE_TRY(p.window, read_window(node, p.src.axes(), kernel));
  p.dst = {p.src.n, w[0], {}};
  ADZE_TRY(p.dst.spatial, slide(node, p.window, p.src.spatial, false));
  for (std::size_t axis = 0; axis < kernel.size(); axis++) {
    if (p.window.pad_begin[axis] < 0 || p.window.pad_end[axis] < 0) {
      return make_error(Code::unsupported, "negative padding is not supported");
    }
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

// ---- constants ------------------------------------------------------------------------------------------------------

// A bias group by group, each rounded up to whole blocks. REQUIRES: zeroed dst.
void spread_bias(const float* bias, std::int64_t group_oc, std::int64_t groups, float* dst) {
  const std::int64_t pitch = blocks_of(group_oc) * kBlock;
  for (std::int64_t o = 0; o < group_oc * groups; o++) dst[o / group_oc * pitch + o % group_oc] = bias[o];
}

// The constant bias, or null without one.
Result<const float*> packed_bias(const PrepareContext& context, std::int64_t group_oc, std::int64_t groups) {
  if (!context.has(2) || !context.in(2).value) return nullptr;
  const std::int64_t pitch = blocks_of(group_oc) * kBlock;
  const auto bytes = static_cast<std::size_t>(groups * pitch) * sizeof(float);
  ADZE_TRY(const std::byte* packed, context.pack(2, concat("bias/", groups), bytes, [&](std::byte* out) {
    spread_bias(context.in(2).value->as<float>().data(), group_oc, groups, reinterpret_cast<float*>(out));
  }));
  return reinterpret_cast<const float*>(packed);
}

// Packs [oc, ic, taps] weights group by group, a row of zeros behind them.
void pack_groups(const float* w, const Problem& p, int max_blocks, float* dst) {
  const std::int64_t ic = p.group_ic(), oc = p.group_oc(), taps = p.geometry().taps();
  for (std::int64_t g = 0; g < p.groups; g++, dst += packed_b_size(taps * ic, oc)) {
    const float* group = w + g * oc * ic * taps;
    pack_b(taps * ic, oc, max_blocks, dst,
           [&](std::int64_t k, std::int64_t o) { return group[(o * ic + k % ic) * taps + k / ic]; });
  }
}

// ---- indirect GEMM --------------------------------------------------------------------------------------------------

struct Args {
  Problem problem;
  ConvGeometry geometry;
  const TileSet* tiles;
  const float* weights;  // packed, or null: packed from input 1 in every run
  const float* bias;     // or null
  bool run_time_bias;    // input 2 instead
  ActivationArgs activation;
  int residual;
};

std::int64_t bias_size(const Problem& p) { return p.groups * blocks_of(p.group_oc()) * kBlock; }
// A tap of zeros lies behind the weights.
std::int64_t weights_size(const Problem& p) {
  const ConvTaps taps = conv_taps(p.geometry());
  return p.groups * packed_b_size(taps.count * taps.kc, p.group_oc()) + taps.kc;
}
std::int64_t edges_size(const Problem& p) {
  const ConvTaps taps = conv_taps(p.geometry());
  return taps.kc == p.group_ic() ? 0 : gemm_rows_size(taps.count, taps.kc, p.group_oc());
}

void run(const Args& args, const Call& call) {
  const Problem& p = args.problem;
  const ConvGeometry& g = args.geometry;
  const ConvTaps taps = conv_taps(g);
  const std::int64_t oc = p.group_oc(), bias_pitch = blocks_of(oc) * kBlock;
  // What isn't constant every thread packs for itself: nothing is shared, so nothing has to wait.
  auto* edges = reinterpret_cast<float*>(call.scratch);
  float* scratch = edges + edges_size(p);
  const float* bias = args.bias;
  if (args.run_time_bias) {
    std::fill_n(scratch, bias_size(p), 0.0f);
    spread_bias(call.in(2), oc, p.groups, scratch);
    bias = scratch;
  }
  const float* weights = args.weights;
  if (!weights) {
    float* packed = scratch + (args.run_time_bias ? bias_size(p) : 0);
    pack_groups(call.in(1), p, args.tiles->max_blocks, packed);
    std::fill_n(packed + weights_size(p) - taps.kc, taps.kc, 0.0f);
    weights = packed;
  }
  const float* zeros = weights + weights_size(p) - taps.kc;
  for (std::int64_t group = 0; group < p.groups; group++) {
    const ConvRows rows{call.in() + group * g.ic, zeros, &g, edges};
    GemmArgs gemm{};
    gemm.m = g.pixels();
    gemm.n = oc;
    gemm.taps = taps.count;
    gemm.kc = taps.kc;
    gemm.rows = conv_rows;
    gemm.context = &rows;
    gemm.b = weights + group * packed_b_size(taps.count * taps.kc, oc);
    gemm.c = call.out() + group * oc;
    gemm.ldc = p.dst.c;
    gemm.bias = bias ? bias + group * bias_pitch : nullptr;
    gemm.residual = args.residual >= 0 ? call.in(args.residual) + group * oc : nullptr;
    gemm.ldr = p.dst.c;
    gemm.activation = args.activation;
    gemm.tiles = args.tiles;
    gemm_f32(gemm, call.slice, call.cancel);
  }
}

Result<Step> prepare_gemm(PrepareContext& context, const Problem& p) {
  const auto& tiles = gemm_tile_f32.best(context.isa);
  const bool run_time_bias = context.has(2) && !context.in(2).value;
  Args args{p, p.geometry(), tiles.fn, nullptr, nullptr, run_time_bias, context.node.activation, context.node.residual};
  ADZE_TRY(args.bias, packed_bias(context, p.group_oc(), p.groups));
  const auto bytes = static_cast<std::size_t>(weights_size(p)) * sizeof(float);
  const bool constant = context.in(1).value != nullptr;
  if (constant) {
    ADZE_TRY(const std::byte* packed,
             context.pack(1, concat("conv/", p.groups, '/', isa_name(tiles.isa)), bytes, [&](std::byte* out) {
               pack_groups(context.in(1).value->as<float>().data(), p, args.tiles->max_blocks,
                           reinterpret_cast<float*>(out));
             }));
    args.weights = reinterpret_cast<const float*>(packed);
  }
  Step step = make_step<run>(args, concat("conv_f32/", isa_name(tiles.isa)));
  step.unread = (constant ? 0b010u : 0u) | (run_time_bias ? 0u : 0b100u);
  step.scratch_bytes = (constant ? 0 : bytes) + static_cast<std::size_t>(edges_size(p)) * sizeof(float) +
                       (run_time_bias ? static_cast<std::size_t>(bias_size(p)) * sizeof(float) : 0);
  return step;
}

// ---- depthwise ------------------------------------------------------------------------------------------------------

struct DepthwiseStep {
  DepthwiseFn kernel;
  ConvGeometry geometry;
  const float* weights;
  const float* bias;
  ActivationArgs activation;
  int residual;
};

void run_depthwise(const DepthwiseStep& args, const Call& call) {
  const ConvGeometry& g = args.geometry;
  const DepthwiseArgs kernel_args{
      g,          call.in(),      args.weights, args.bias, args.residual >= 0 ? call.in(args.residual) : nullptr,
      call.out(), args.activation};
  const Range rows = call.slice.of(g.n * g.out[0] * g.out[1]);
  constexpr std::int64_t kRowsBetweenPolls = 8;
  for (std::int64_t r = rows.begin; r < rows.end && !call.cancel.requested(); r += kRowsBetweenPolls) {
    args.kernel(kernel_args, {r, std::min(r + kRowsBetweenPolls, rows.end)});
  }
}

Result<Step> prepare_depthwise(PrepareContext& context, const Problem& p) {
  const auto& kernel = depthwise_f32.best(context.isa);
  DepthwiseStep args{kernel.fn, p.geometry(), nullptr, nullptr, context.node.activation, context.node.residual};
  args.geometry.ic = p.src.c;
  const std::int64_t taps = args.geometry.taps(), pitch = blocks_of(p.src.c) * kBlock;
  ADZE_TRY(args.bias, packed_bias(context, p.src.c, 1));
  ADZE_TRY(const std::byte* packed,
           context.pack(1, "depthwise", static_cast<std::size_t>(taps * pitch) * sizeof(float), [&](std::byte* out) {
             const auto w = context.in(1).value->as<float>();
             auto* dst = reinterpret_cast<float*>(out);
             for (std::int64_t c = 0; c < p.src.c; c++) {
               for (std::int64_t t = 0; t < taps; t++) dst[t * pitch + c] = w[static_cast<std::size_t>(c * taps + t)];
             }
           }));
  args.weights = reinterpret_cast<const float*>(packed);
  Step step = make_step<run_depthwise>(args, concat("depthwise_f32/", isa_name(kernel.isa)));
  step.unread = 0b110;
  return step;
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_ASSERT(context.node.channels_last);
  ADZE_TRY(const Problem p, problem_of(context.node, context.in(0).shape, context.in(1).shape));
  const ConvGeometry g = p.geometry();
  const bool constant = context.in(1).value && (!context.has(2) || context.in(2).value);
  const bool depthwise = p.groups == p.src.c && p.dst.c == p.src.c && p.groups > 1 && constant;
  const DType type = context.in(0).type;
  ADZE_TRY(Step step, type != DType::f32 ? plain_conv({type, false, context.has(2), p.groups, p.group_oc(), g})
                      : depthwise        ? prepare_depthwise(context, p)
                                         : prepare_gemm(context, p));
  step.flops = 2.0 * static_cast<double>(g.pixels() * g.taps()) * static_cast<double>(p.group_ic() * p.dst.c);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(g.pixels() * p.dst.c / 64, 1, 256));
  return step;
}

constexpr OpDef kOps[] = {{.name = "Conv",
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
extern const std::span<const OpDef> ops_conv;
constinit const std::span<const OpDef> ops_conv{kOps};

}  // namespace adze
