// A depthwise convolution together with the pointwise ones around it, as inverted residual blocks have them: strip by
// strip, so that what lies between them stays in L2 and never becomes a tensor. Each output is computed as it would be
// alone, so the bytes are the same.
#pragma once

#include "graph/op.h"
#include "kernels/conv/geometry.h"

namespace adze {

// The operator of a node whose parts are [pointwise,] depthwise[, pointwise]. Its inputs are the first part's source,
// then weights and bias (or kNoValue) of every part, then perhaps the last part's residual. Where the last part is the
// depthwise one, output 1 may be as depthwise_conv's. No model can name it.
extern const OpDef strips_op;

// Whether strips are faster than tensors between the depthwise convolution `g` and the pointwise one before or behind
// it, whose weights together have so many elements.
struct StripNeighbours {
  bool expands, projects;
  std::int64_t weights;
};
bool strips_pay(const ConvGeometry& g, const StripNeighbours& around);

}  // namespace adze
