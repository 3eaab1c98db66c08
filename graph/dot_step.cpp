#include "graph/dot_step.h"

#include <algorithm>

namespace adze {
namespace {

struct Args {
  DotFn kernel;
  std::int64_t m;
  DotArgs dots;
  int residual;
};

void run(const Args& args, const Call& call) {
  DotArgs dots = args.dots;
  dots.a = call.in();
  dots.lda = call.pitch(0, dots.k);
  dots.c = call.out();
  dots.ldc = call.out_pitch(dots.n);
  if (args.residual >= 0) {
    dots.residual = call.in(args.residual);
    dots.ldr = call.pitch(args.residual, dots.n);
  }
  const Range rows = call.slice.of(args.m);
  constexpr std::int64_t kRowsBetweenPolls = 1024;
  for (std::int64_t i = rows.begin; i < rows.end && !call.cancel.requested(); i += kRowsBetweenPolls) {
    args.kernel(dots, {i, std::min(i + kRowsBetweenPolls, rows.end)});
  }
}

}  // namespace

Result<Step> dot_step(PrepareContext& context, std::int64_t m, DotArgs args, std::string_view format,
                      const std::function<void(float* w)>& pack) {
  const auto& kernel = dot_f32.best(context.isa);
  const auto bytes = static_cast<std::size_t>(args.n * dot_pitch(args.k)) * sizeof(float);
  ADZE_TRY(const std::byte* packed,
           context.pack(1, format, bytes, [&](std::byte* out) { pack(reinterpret_cast<float*>(out)); }));
  args.w = reinterpret_cast<const float*>(packed);
  args.activation = context.node.activation;
  return make_step<run>(Args{kernel.fn, m, args, context.node.residual}, concat("dot_f32/", isa_name(kernel.isa)));
}

}  // namespace adze
