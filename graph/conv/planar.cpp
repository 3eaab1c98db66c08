#include "kernels/conv/planar.h"

#include "graph/conv/steps.h"
#include "kernels/gemm/gemm.h"

namespace adze {
namespace {

struct Args {
  PlanarLayer layer;
  PlanarArgs kernel;
  int residual;
};

void run(const Args& args, const Call& call) {
  PlanarArgs kernel = args.kernel;
  kernel.layer = &args.layer;
  kernel.src = call.in();
  kernel.dst = call.out();
  kernel.dst_pitch = call.out_pitch(args.layer.oc);
  if (args.residual >= 0) {
    kernel.residual = call.in(args.residual);
    kernel.residual_pitch = call.pitch(args.residual, args.layer.oc);
  }
  planar_conv_f32(kernel, reinterpret_cast<float*>(call.scratch), call.slice, call.cancel);
}

}  // namespace

Result<Step> planar_conv(PrepareContext& context, const ConvProblem& p) {
  const auto& tiles = gemm_tile_f32.best(context.isa);
  Args args{PlanarLayer(p.geometry(), p.dst.c), {}, context.node.residual};
  PlanarArgs& kernel = args.kernel;
  kernel.tiles = tiles.fn;
  kernel.planar = planar_tile_f32.best(context.isa).fn;
  kernel.activation = context.node.activation;
  ADZE_TRY(kernel.bias, packed_bias(context, p.dst.c, 1));
  // k counts the elements of [oc][ic][kh][kw] in their own order.
  const std::int64_t k = args.layer.k();
  ADZE_TRY(const std::byte* packed,
           context.pack(1, concat("planar/", isa_name(tiles.isa)),
                        static_cast<std::size_t>(packed_b_size(k, p.dst.c)) * sizeof(float), [&](std::byte* out) {
                          const auto w = context.in(1).value->as<float>();
                          pack_b(
                              k, p.dst.c, tiles.fn->max_blocks, reinterpret_cast<float*>(out),
                              [&](std::int64_t i, std::int64_t o) { return w[static_cast<std::size_t>(o * k + i)]; });
                        }));
  kernel.weights = reinterpret_cast<const float*>(packed);
  const auto scratch = static_cast<std::size_t>(args.layer.scratch_size()) * sizeof(float);
  Step step = make_step<run>(std::move(args), concat("planar_conv_f32/", isa_name(tiles.isa)));
  step.unread = 0b110;
  step.scratch_bytes = scratch;
  return step;
}

}  // namespace adze
