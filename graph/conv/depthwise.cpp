#include "kernels/conv/depthwise.h"

#include <algorithm>

#include "graph/conv/steps.h"
#include "kernels/gemm/gemm.h"

namespace adze {
namespace {

struct DepthwiseStep {
  DepthwiseFn kernel;
  ConvGeometry geometry;
  const float* weights;
  const float* bias;
  ActivationArgs activation;
  int residual;
  bool sums;  // output 1 takes them
};

void run_depthwise(const DepthwiseStep& args, const Call& call) {
  ConvGeometry g = args.geometry;
  g.ic_pitch = call.pitch(0, g.ic);
  const DepthwiseArgs kernel_args{g,
                                  call.in(),
                                  args.weights,
                                  args.bias,
                                  args.residual >= 0 ? call.in(args.residual) : nullptr,
                                  call.out(),
                                  args.activation,
                                  0,
                                  0,
                                  call.out_pitch(g.ic),
                                  args.residual >= 0 ? call.pitch(args.residual, g.ic) : 0,
                                  args.sums ? call.out(1) : nullptr};
  const Range rows = call.slice.of(g.n * g.out[0] * g.out[1]);
  constexpr std::int64_t kRowsBetweenPolls = 8;
  for (std::int64_t r = rows.begin; r < rows.end && !call.cancel.requested(); r += kRowsBetweenPolls) {
    args.kernel(kernel_args, {r, std::min(r + kRowsBetweenPolls, rows.end)});
  }
}

}  // namespace

Result<PackedConv> pack_depthwise(const PrepareContext& context, const ConvProblem& p) {
  PackedConv packed{};
  const std::int64_t taps = p.geometry().taps(), pitch = blocks_of(p.src.c) * kBlock;
  ADZE_TRY(packed.bias, packed_bias(context, p.src.c, 1));
  ADZE_TRY(const std::byte* bytes,
           context.pack(1, "depthwise", static_cast<std::size_t>(taps * pitch) * sizeof(float), [&](std::byte* out) {
             const auto w = context.in(1).value->as<float>();
             auto* dst = reinterpret_cast<float*>(out);
             for (std::int64_t c = 0; c < p.src.c; c++) {
               for (std::int64_t t = 0; t < taps; t++) dst[t * pitch + c] = w[static_cast<std::size_t>(c * taps + t)];
             }
           }));
  packed.weights = reinterpret_cast<const float*>(bytes);
  return packed;
}

Result<Step> depthwise_conv(PrepareContext& context, const ConvProblem& p) {
  const auto& kernel = depthwise_f32.best(context.isa);
  ADZE_TRY(const PackedConv packed, pack_depthwise(context, p));
  const bool sums = context.wants_output(1);
  DepthwiseStep args{
      kernel.fn, p.geometry(), packed.weights, packed.bias, context.node.activation, context.node.residual, sums};
  args.geometry.ic = p.src.c;
  Step step = make_step<run_depthwise>(args, concat("depthwise_f32/", isa_name(kernel.isa), sums ? " sums" : ""));
  step.unread = 0b110;
  return step;
}

}  // namespace adze
