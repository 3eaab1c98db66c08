// Convolution and its transpose in element types that have no vector kernels: one output pixel after the other, sums in
// double.
#pragma once

#include "graph/op.h"
#include "kernels/conv/geometry.h"

namespace adze {

// Inputs are the image, the weights and perhaps a bias, all of `type`; images are channels-last.
struct PlainConv {
  DType type;
  bool transposed;  // strides move over the output; weights are [channels, group_oc, taps], not [oc, group_ic, taps]
  bool bias;
  std::int64_t groups, group_oc;
  ConvGeometry geometry;  // ic counts the channels of one group
};

Result<Step> plain_conv(const PlainConv& conv);

// For OpDef::takes_epilogue: the plain form has none.
inline bool is_f32(const Node&, std::span<const TensorInfo* const> inputs) { return inputs[0]->type == DType::f32; }

}  // namespace adze
