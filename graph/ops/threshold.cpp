// Activations with a threshold that few models use: Celu, Shrink, ThresholdedRelu.
#include <cmath>

#include "graph/scalar_map.h"

namespace adze {
namespace {

double celu(double x, double alpha, double) { return std::max(0.0, x) + std::min(0.0, alpha * std::expm1(x / alpha)); }
double shrink(double x, double lambda, double bias) { return x < -lambda ? x + bias : x > lambda ? x - bias : 0; }
double thresholded(double x, double alpha, double) { return x > alpha ? x : 0; }

Result<Step> prepare_celu(PrepareContext& context) {
  return scalar_map(context, celu, static_cast<double>(context.node.attributes.real("alpha", 1)));
}
Result<Step> prepare_shrink(PrepareContext& context) {
  return scalar_map(context, shrink, static_cast<double>(context.node.attributes.real("lambd", 0.5f)),
                    static_cast<double>(context.node.attributes.real("bias", 0)));
}
Result<Step> prepare_thresholded(PrepareContext& context) {
  return scalar_map(context, thresholded, static_cast<double>(context.node.attributes.real("alpha", 1)));
}

constexpr int kCelu[] = {12, 28}, kShrink[] = {9}, kThresholded[] = {10, 22};
constexpr AttrSpec kAlpha[] = {{"alpha", AttrKind::real}};
constexpr AttrSpec kShrinkAttributes[] = {{"lambd", AttrKind::real}, {"bias", AttrKind::real}};
constexpr TypeMask kFloatTypes[] = {kFloats}, kNumberTypes[] = {kNumbers};

constexpr OpDef kOps[] = {{.name = "Celu",
                           .versions = kCelu,
                           .attributes = kAlpha,
                           .input_types = kFloatTypes,
                           .infer = infer_same_shape,
                           .prepare = prepare_celu,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent},
                          {.name = "Shrink",
                           .versions = kShrink,
                           .attributes = kShrinkAttributes,
                           .input_types = kNumberTypes,
                           .infer = infer_same_shape,
                           .prepare = prepare_shrink,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent},
                          {.name = "ThresholdedRelu",
                           .versions = kThresholded,
                           .attributes = kAlpha,
                           .input_types = kFloatTypes,
                           .infer = infer_same_shape,
                           .prepare = prepare_thresholded,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent}};

}  // namespace
extern const std::span<const OpDef> ops_threshold;
constinit const std::span<const OpDef> ops_threshold{kOps};

}  // namespace adze
