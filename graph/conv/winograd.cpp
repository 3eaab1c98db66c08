#include "kernels/winograd/winograd.h"

#include "graph/conv/steps.h"
#include "kernels/gemm/gemm.h"

namespace adze {
namespace {

struct Args {
  WinogradArgs kernel;
  int residual;
};

void run(const Args& args, const Call& call) {
  WinogradArgs kernel = args.kernel;
  kernel.src = call.in();
  kernel.dst = call.out();
  const std::int64_t channels = kernel.layer.channels();
  ConvGeometry& g = kernel.layer.geometry;
  g.ic_pitch = call.pitch(0, kernel.layer.groups * g.ic);
  kernel.dst_pitch = call.out_pitch(channels);
  if (args.residual >= 0) {
    kernel.residual = call.in(args.residual);
    kernel.residual_pitch = call.pitch(args.residual, channels);
  }
  winograd_f32(kernel, reinterpret_cast<float*>(call.scratch), call.slice, call.cancel);
}

}  // namespace

Result<Step> winograd_conv(PrepareContext& context, const ConvProblem& p) {
  const auto& tiles = gemm_tile_f32.best(context.isa);
  const auto& transforms = winograd_transforms_f32.best(context.isa);
  Args args{};
  args.residual = context.node.residual;
  WinogradArgs& kernel = args.kernel;
  kernel.layer = {p.geometry(), p.group_oc(), p.groups, context.node.winograd, tiles.fn};
  kernel.transforms = transforms.fn;
  kernel.activation = context.node.activation;
  kernel.share = context.order.share;
  ADZE_TRY(kernel.bias, packed_bias(context, p.group_oc(), p.groups));
  // A pixel of zeros lies behind the weights.
  const std::int64_t size = kernel.layer.weights_size();
  ADZE_TRY(const std::byte* packed,
           context.pack(1, concat("winograd/", p.groups, '/', kernel.layer.outputs, '/', kernel.layer.panel_blocks()),
                        static_cast<std::size_t>(size + p.group_ic()) * sizeof(float), [&](std::byte* out) {
                          pack_winograd(kernel.layer, context.in(1).value->as<float>(), reinterpret_cast<float*>(out));
                        }));
  kernel.weights = reinterpret_cast<const float*>(packed);
  kernel.zeros = kernel.weights + size;
  const int m = kernel.layer.outputs;
  Step step = make_step<run>(args, concat("winograd_f32/", isa_name(tiles.isa), " F(", m, ",3)"));
  step.unread = 0b110;
  step.honours.share = true;
  step.scratch_bytes = static_cast<std::size_t>(kernel.layer.scratch_size()) * sizeof(float);
  return step;
}

}  // namespace adze
