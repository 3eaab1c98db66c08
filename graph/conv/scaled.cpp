#include "graph/conv/steps.h"
#include "kernels/gemm/scale.h"

namespace adze {
namespace {

// More weights come from afar, and a product fetches them while it computes, which scaling them first prevents.
constexpr std::int64_t kMostWeights = (128 << 10) / sizeof(float);

struct Args {
  GemmArgs gemm;
  ScaleFn scale;
  std::int64_t images, pixels;
  int factors, residual;
};

// Every thread multiplies the weights for itself: nothing is shared, so nothing has to wait.
void run(const Args& args, const Call& call) {
  GemmArgs gemm = args.gemm;
  auto* weights = reinterpret_cast<float*>(call.scratch);
  for (std::int64_t i = 0; i < args.images; i++) {
    args.scale({args.gemm.b, call.in(args.factors) + i * gemm.kc, weights, gemm.kc, gemm.n, gemm.tiles->max_blocks});
    const std::int64_t first = i * args.pixels, lda = call.pitch(0, gemm.kc);
    const MatrixRows rows{call.in() + first * lda, lda};
    gemm.context = &rows;
    gemm.b = weights;
    gemm.ldc = call.out_pitch(gemm.n);
    gemm.c = call.out() + first * gemm.ldc;
    if (args.residual >= 0) {
      gemm.ldr = call.pitch(args.residual, gemm.n);
      gemm.residual = call.in(args.residual) + first * gemm.ldr;
    }
    gemm_f32(gemm, call.slice, call.cancel);
  }
}

}  // namespace

bool scaling_weights_pays(const ConvProblem& p) {
  return p.dst.c < volume(p.geometry().out) && packed_b_size(p.src.c, p.dst.c) <= kMostWeights;
}

Result<Step> scaled_conv(PrepareContext& context, const ConvProblem& p) {
  ADZE_ASSERT(p.pointwise());
  Args args{};
  args.scale = scale_b_f32.best(context.isa).fn;
  args.images = p.src.n;
  args.factors = context.node.scale;
  args.residual = context.node.residual;
  args.pixels = volume(p.geometry().out);
  ADZE_TRY(args.gemm, pointwise_gemm(context, p));
  args.gemm.m = args.pixels;
  Step step = make_step<run>(args, concat("conv_f32/", isa_name(gemm_tile_f32.best(context.isa).isa), " scaled"));
  step.unread = 0b110;
  step.honours = {true, true};
  step.scratch_bytes = static_cast<std::size_t>(packed_b_size(p.src.c, p.dst.c)) * sizeof(float);
  return step;
}

}  // namespace adze
