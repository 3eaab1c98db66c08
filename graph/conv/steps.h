// The ways a convolution can run in f32, on channels-last images.
#pragma once

#include "graph/conv/problem.h"
#include "kernels/gemm/gemm.h"

namespace adze {

// What a constant convolution needs of its inputs 1 and 2.
struct PackedConv {
  const float* weights;
  const float* bias;  // or null
};
// For gemm_f32, group by group, with a tap of zeros behind.
Result<PackedConv> pack_indirect(const PrepareContext& context, const ConvProblem& p,
                                 const Variant<const TileSet*>& tiles);
// A pointwise convolution as a matrix product, but for its tensors and rows. REQUIRES: constant weights and bias.
Result<GemmArgs> pointwise_gemm(const PrepareContext& context, const ConvProblem& p);
// For depthwise_f32.
Result<PackedConv> pack_depthwise(const PrepareContext& context, const ConvProblem& p);

// As an indirect GEMM per group: any convolution.
Result<Step> indirect_conv(PrepareContext& context, const ConvProblem& p);

// With fewer outputs than a vector has lanes. REQUIRES: a pointwise convolution, dots_pay, constant weights and bias.
Result<Step> narrow_conv(PrepareContext& context, const ConvProblem& p);

// From a planar source. REQUIRES: what read_planar asks.
Result<Step> planar_conv(PrepareContext& context, const ConvProblem& p);

// Output 1, where there is one, takes the sums of output 0's rows over their pixels, [n, spatial but the last..., 1,
// c]. REQUIRES: as many groups as channels on either side; constant weights and bias.
Result<Step> depthwise_conv(PrepareContext& context, const ConvProblem& p);

// With Node::scale, which is multiplied into the weights, image by image. REQUIRES: a pointwise convolution with
// constant weights and bias.
Result<Step> scaled_conv(PrepareContext& context, const ConvProblem& p);
// Whether that is faster than multiplying the source before.
bool scaling_weights_pays(const ConvProblem& p);

// By Winograd's algorithm, with tiles of node.winograd outputs along each axis. REQUIRES: what choose_winograd asks.
Result<Step> winograd_conv(PrepareContext& context, const ConvProblem& p);

}  // namespace adze
