// The transforms around Winograd's products, on sixteen channels at a time.
//
// F(m x m, 3 x 3) computes a tile of m x m outputs from p x p pixels, p = m + 2, by p * p products in place of 9 m m:
//
//   V = Bt d B,  M[e] = sum over channels of V[e] U[e] for each of the p * p points e,  Y = At M A
//
// with U = G g Gt, the transformed weights (Winograd, "Arithmetic Complexity of Computations"; Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks"). m = 2 evaluates at 0, 1, -1 and infinity; m = 4 at 0, +-3/4, +-3/2
// and infinity, which are exact in binary and keep the factors near 1, so that rounding errors grow about half as much
// as with the usual 0, +-1, +-2 (the choice of points: Barabasz et al., "Error Analysis and Improving the Accuracy of
// Winograd Convolution for Deep Neural Networks").
#pragma once

#include <cstdint>

#include "kernels/core/activation.h"
#include "kernels/core/table.h"

namespace adze {

constexpr int kMaxWinogradSide = 6;  // pixels of a source tile along each axis

struct WinogradSource {
  const float* const* pixels;  // p * p, row by row; a row of zeros stands for one outside the image
  std::int64_t channels;
  float* v;            // point e of channel c at v[e * plane + c]; up to 15 channels behind the last are zeroed too
  std::int64_t plane;  // floats
};

struct WinogradTile {
  const float* m;      // point e of column j at m[e * plane + j], blocks * 16 columns
  std::int64_t plane;  // floats
  int blocks;
  int last_lanes;                        // 1 to 16: columns of the last block that exist; m may hold anything beyond
  int rows, columns;                     // of the tile that lie inside the image, 1 to m
  const float* bias;                     // blocks * 16 floats, or null: zero
  const float* residual;                 // of the tile's first output, or null
  float* dst;                            // may be residual
  std::int64_t line_pitch, pixel_pitch;  // floats between the outputs of dst
  std::int64_t residual_line_pitch, residual_pixel_pitch;
  ActivationArgs activation;
};

// By m: at [0] for 2, at [1] for 4.
struct WinogradTransforms {
  void (*source[2])(const WinogradSource& args);
  void (*result[2])(const WinogradTile& args);
};

extern const KernelTable<const WinogradTransforms*> winograd_transforms_f32;

}  // namespace adze
