// The ways a convolution can run in f32, on channels-last images.
#pragma once

#include "graph/conv/problem.h"

namespace adze {

// As an indirect GEMM per group: any convolution.
Result<Step> indirect_conv(PrepareContext& context, const ConvProblem& p);

// REQUIRES: as many groups as channels on either side; constant weights and bias.
Result<Step> depthwise_conv(PrepareContext& context, const ConvProblem& p);

// By Winograd's algorithm, with tiles of node.winograd outputs along each axis. REQUIRES: what choose_winograd asks.
Result<Step> winograd_conv(PrepareContext& context, const ConvProblem& p);

}  // namespace adze
