// Direct convolution as an indirect GEMM: m = output pixels, a tap per kernel element, kc = ic.
//
//   dst[n, y, x, o] = act( bias[o] + sum over ky, kx, i of src[n, y sy + ky dy - py, x sx + kx dx - px, i] w[ky, kx, i,
//   o]
//                          + residual[n, y, x, o] )
//
// All tensors are channels-last; each pixel outside the source is a row of zeros. No copy of the source is made.
// (Dukhan, "The Indirect Convolution Algorithm", with pointers computed per block of pixels.)
#pragma once

#include "kernels/conv/geometry.h"
#include "kernels/gemm/gemm.h"

namespace adze {

// RowsFn context: row i is output pixel i, tap t kernel element t in the order d, h, w.
struct ConvRows {
  const float* src;    // of the group's first channel
  const float* zeros;  // ic floats of 0
  const ConvGeometry* geometry;
};
void conv_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride);

// Transposed convolution runs one GEMM per phase: output positions with the same (y + py) mod sy, (x + px) mod sx use
// the same kernel elements. `first` is the phase's first output position and `count` its positions per axis.
struct Phase {
  Spatial first, count;
  Spatial tap_first;  // the first kernel element per axis
  Spatial taps;       // kernel elements per axis, `tap_step` apart
  Spatial tap_step;
  Spatial origin;       // source position that the first output position reads with its first kernel element
  Spatial source_step;  // change of the source position from one kernel element to the next, 0 or negative
};
// Phases per axis are independent: this gives axis `axis` of the phase with residue r, false when it has no output.
bool phase_of(const ConvGeometry& g, int axis, std::int64_t residue, Phase& phase);

// RowsFn context of one phase: row i is the phase's i-th output position along w, at a fixed d and h.
struct PhaseRows {
  const float* src;
  const float* zeros;
  const ConvGeometry* geometry;
  const Phase* phase;
  std::int64_t image, d, h;  // d and h count positions of the phase
};
void phase_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride);

}  // namespace adze
