#include <algorithm>

#include "graph/conv/steps.h"
#include "kernels/conv/conv.h"

namespace adze {
namespace {

// Packs [oc, ic, taps] weights group by group, a row of zeros behind them.
void pack_groups(const float* w, const ConvProblem& p, int max_blocks, float* dst) {
  const std::int64_t ic = p.group_ic(), oc = p.group_oc(), taps = p.geometry().taps();
  for (std::int64_t g = 0; g < p.groups; g++, dst += packed_b_size(taps * ic, oc)) {
    const float* group = w + g * oc * ic * taps;
    pack_b(taps * ic, oc, max_blocks, dst,
           [&](std::int64_t k, std::int64_t o) { return group[(o * ic + k % ic) * taps + k / ic]; });
  }
}

struct Args {
  ConvProblem problem;
  ConvGeometry geometry;
  const TileSet* tiles;
  const float* weights;  // packed, or null: packed from input 1 in every run
  const float* bias;     // or null
  bool run_time_bias;    // input 2 instead
  ActivationArgs activation;
  int residual;
  GemmOrder order;
};

std::int64_t bias_size(const ConvProblem& p) { return p.groups * blocks_of(p.group_oc()) * kBlock; }
// A tap of zeros lies behind the weights.
std::int64_t weights_size(const ConvProblem& p) {
  const ConvTaps taps = conv_taps(p.geometry());
  return p.groups * packed_b_size(taps.count * taps.kc, p.group_oc()) + taps.kc;
}
std::int64_t edges_size(const ConvProblem& p, const GemmOrder& order) {
  const ConvTaps taps = conv_taps(p.geometry());
  return taps.kc == p.group_ic() ? 0 : gemm_rows_size(taps.count, taps.kc, p.group_oc(), order);
}

void run(const Args& args, const Call& call) {
  const ConvProblem& p = args.problem;
  ConvGeometry g = args.geometry;
  const std::int64_t padding = conv_taps(g).kc;  // floats of the tap of zeros
  g.ic_pitch = call.pitch(0, p.src.c);
  const ConvTaps taps = conv_taps(g);
  const std::int64_t oc = p.group_oc(), bias_pitch = blocks_of(oc) * kBlock;
  // What isn't constant every thread packs for itself: nothing is shared, so nothing has to wait.
  auto* edges = reinterpret_cast<float*>(call.scratch);
  float* scratch = edges + edges_size(p, args.order);
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
    std::fill_n(packed + weights_size(p) - padding, padding, 0.0f);
    weights = packed;
  }
  const float* zeros = weights + weights_size(p) - padding;
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
    gemm.ldc = call.out_pitch(p.dst.c);
    gemm.bias = bias ? bias + group * bias_pitch : nullptr;
    gemm.residual = args.residual >= 0 ? call.in(args.residual) + group * oc : nullptr;
    gemm.ldr = args.residual >= 0 ? call.pitch(args.residual, p.dst.c) : 0;
    gemm.activation = args.activation;
    gemm.tiles = args.tiles;
    gemm.order = args.order;
    gemm_f32(gemm, call.slice, call.cancel);
  }
}

}  // namespace

Result<PackedConv> pack_indirect(const PrepareContext& context, const ConvProblem& p,
                                 const Variant<const TileSet*>& tiles) {
  PackedConv packed{};
  ADZE_TRY(packed.bias, packed_bias(context, p.group_oc(), p.groups));
  const auto bytes = static_cast<std::size_t>(weights_size(p)) * sizeof(float);
  ADZE_TRY(const std::byte* weights,
           context.pack(1, concat("conv/", p.groups, '/', isa_name(tiles.isa)), bytes, [&](std::byte* out) {
             pack_groups(context.in(1).value->as<float>().data(), p, tiles.fn->max_blocks,
                         reinterpret_cast<float*>(out));
           }));
  packed.weights = reinterpret_cast<const float*>(weights);
  return packed;
}

Result<GemmArgs> pointwise_gemm(const PrepareContext& context, const ConvProblem& p) {
  const auto& tiles = gemm_tile_f32.best(context.isa);
  ADZE_TRY(const PackedConv packed, pack_indirect(context, p, tiles));
  GemmArgs gemm{};
  gemm.n = p.dst.c;
  gemm.taps = 1;
  gemm.kc = p.src.c;
  gemm.rows = matrix_rows;
  gemm.b = packed.weights;
  gemm.bias = packed.bias;
  gemm.activation = context.node.activation;
  gemm.tiles = tiles.fn;
  gemm.order = context.order;
  return gemm;
}

Result<Step> indirect_conv(PrepareContext& context, const ConvProblem& p) {
  const auto& tiles = gemm_tile_f32.best(context.isa);
  const bool run_time_bias = context.has(2) && !context.in(2).value, constant = context.in(1).value != nullptr;
  PackedConv packed{};
  if (constant) {
    ADZE_TRY(packed, pack_indirect(context, p, tiles));
  } else {
    ADZE_TRY(packed.bias, packed_bias(context, p.group_oc(), p.groups));
  }
  const Args args{p,
                  p.geometry(),
                  tiles.fn,
                  packed.weights,
                  packed.bias,
                  run_time_bias,
                  context.node.activation,
                  context.node.residual,
                  context.order};
  Step step = make_step<run>(args, concat("conv_f32/", isa_name(tiles.isa)));
  step.unread = (constant ? 0b010u : 0u) | (run_time_bias ? 0u : 0b100u);
  step.honours = {true, true};
  std::int64_t scratch = edges_size(p, context.order);
  if (!constant) scratch += weights_size(p);
  if (run_time_bias) scratch += bias_size(p);
  step.scratch_bytes = static_cast<std::size_t>(scratch) * sizeof(float);
  return step;
}

}  // namespace adze
