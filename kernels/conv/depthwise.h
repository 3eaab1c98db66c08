// Depthwise convolution: every output channel reads one source channel.
//
//   dst[n, y, x, c] = act( bias[c] + sum over ky, kx of src[n, y sy + ky dy - py, x sx + kx dx - px, c] w[ky, kx, c]
//                          + residual[n, y, x, c] )
//
// Channels-last; c channels on both sides (a multiplier is undone by repeating source channels before). Weights are
// [taps][c rounded up to 16], bias c rounded up to 16 or null. One chain of fused multiply-adds per output in the order
// of ky, kx; elements outside the source are left out of the chain, which adds an exact zero elsewhere.
#pragma once

#include "kernels/conv/geometry.h"
#include "kernels/core/activation.h"
#include "kernels/core/table.h"

namespace adze {

struct DepthwiseArgs {
  ConvGeometry geometry;  // ic: channels; ic_pitch: floats between source pixels
  const float* src;
  const float* weights;
  const float* bias;
  const float* residual;  // or null
  float* dst;
  ActivationArgs activation;
  // Of a part of one image: source line y of plane 0 lies at line y % src_lines of src, and dst and residual start at
  // output row dst_row. 0 and 0: the whole of all is there.
  std::int64_t src_lines;
  std::int64_t dst_row;
  std::int64_t dst_pitch = 0, residual_pitch = 0;  // pixel_pitch
  float* sums =
      nullptr;  // [n * out_d * out_h, c], or null: takes each output row's sums over its pixels, from left to right
};

// Computes the output rows [rows.begin, rows.end) of n * out_d * out_h.
using DepthwiseFn = void (*)(const DepthwiseArgs& args, Range rows);

extern const KernelTable<DepthwiseFn> depthwise_f32;

}  // namespace adze
