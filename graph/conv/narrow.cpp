#include "graph/conv/steps.h"
#include "graph/dot_step.h"

namespace adze {

Result<Step> narrow_conv(PrepareContext& context, const ConvProblem& p) {
  DotArgs dots{};
  dots.n = p.dst.c;
  dots.k = p.src.c;
  ADZE_TRY(dots.bias, packed_bias(context, p.dst.c, 1));
  ADZE_TRY(Step step, dot_step(context, p.geometry().pixels(), dots, "conv/dot", [&](float* w) {
             const auto weights = context.in(1).value->as<float>();
             pack_dots(p.src.c, p.dst.c, w, [&](std::int64_t k, std::int64_t o) {
               return weights[static_cast<std::size_t>(o * p.src.c + k)];
             });
           }));
  step.unread = 0b110;
  return step;
}

}  // namespace adze
