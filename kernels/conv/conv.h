// Direct convolution as an indirect GEMM: m = output pixels, k = kernel elements in the order d, h, w, then ic.
//
//   dst[n, y, x, o] = act( bias[o] + sum over ky, kx, i of src[n, y sy + ky dy - py, x sx + kx dx - px, i] w[ky, kx, i,
//   o]
//                          + residual[n, y, x, o] )
//
// All tensors are channels-last; each pixel outside the source is a row of zeros. No copy of the source is made.
// (Dukhan, "The Indirect Convolution Algorithm", with pointers computed per block of pixels.)
//
// The elements of a kernel row read neighbouring pixels where w is not dilated and no other group's channels lie
// between: with few channels the whole row is then one tap, which leaves the order of k as it is. The pixels whose
// kernel row crosses the border are copied out between zeros.
#pragma once

#include "kernels/conv/geometry.h"
#include "kernels/gemm/gemm.h"

namespace adze {

// The taps that the GEMM sees, and the floats of each.
struct ConvTaps {
  std::int64_t count;
  std::int64_t kc;
};
ConvTaps conv_taps(const ConvGeometry& g);

// RowsFn context: row i is output pixel i.
struct ConvRows {
  const float* src;    // of the group's first channel
  const float* zeros;  // conv_taps().kc floats of 0
  const ConvGeometry* geometry;
  float*
      edges;  // gemm_rows_size() floats of this thread for what crosses the border; or null where a tap is an element
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
