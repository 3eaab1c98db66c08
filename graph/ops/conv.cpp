// Conv. Runs channels-last as an indirect GEMM per group, or with a kernel of its own when each channel is a group;
// types other than f32 take the plain form.
#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/conv/plain.h"
#include "graph/conv/steps.h"
#include "kernels/gemm/dot.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 11, 22};
constexpr AttrSpec kAttributes[] = {
    kWindowAttributes[0], kWindowAttributes[1],
    kWindowAttributes[2], kWindowAttributes[3],
    kWindowAttributes[4], {"group", AttrKind::integer, false, 1, std::numeric_limits<std::int32_t>::max()}};
constexpr TypeMask kTypes[] = {kFloats};

Result<void> infer(InferContext& context) {
  ADZE_TRY(const ConvProblem p, conv_problem(context.node, context.shape(0), context.shape(1)));
  if (context.has(2) && context.shape(2).elements() != p.dst.c) {
    return make_error(Code::invalid_model, "the bias has ", context.shape(2).elements(), " elements, not ", p.dst.c);
  }
  context.set_shape(0, p.dst.shape(context.node.channels_last));
  return {};
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_ASSERT(context.node.channels_last);
  ADZE_TRY(const ConvProblem p, conv_problem(context.node, context.in(0).shape, context.in(1).shape));
  const ConvGeometry g = p.geometry();
  const bool constant = context.in(1).value && (!context.has(2) || context.in(2).value);
  const bool depthwise = p.depthwise() && constant;
  const bool narrow = constant && p.pointwise() && dots_pay(p.src.c, p.dst.c);
  const DType type = context.in(0).type;
  ADZE_TRY(Step step, type != DType::f32 ? plain_conv({type, false, context.has(2), p.groups, p.group_oc(), g})
                      : context.node.planar_source ? planar_conv(context, p)
                      : depthwise                  ? depthwise_conv(context, p)
                      : context.node.scale >= 0    ? scaled_conv(context, p)
                      : context.node.winograd      ? winograd_conv(context, p)
                      : narrow                     ? narrow_conv(context, p)
                                                   : indirect_conv(context, p));
  if (type == DType::f32) {
    const int residual = context.node.residual;
    step.pitched = (context.node.planar_source ? 0u : 1u) | (residual >= 0 ? 1u << residual : 0u);
    step.pitched_output = true;
  }
  step.flops = p.flops();
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
