// Convolution with 3 x 3 kernels by Winograd's algorithm (kernels/winograd/transform.h): stride 1, two spatial
// axes, any number of channel groups. With dilation d the pixels that are d apart are an image of their own, a phase.
//
// The tiles of the output are taken in groups that stay in L2 from the first transform to the last. Within a group
// every panel of output channels passes over all points: a product per point with the tiles as its rows, on the
// register tiles of kernels/gemm.
//
// Weights are packed [channel group][panel][point][ic][width] with the panels of panel_of(), 64-byte aligned, zero
// beyond the last channel, and rounded once from double.
#pragma once

#include <span>

#include "kernels/conv/geometry.h"
#include "kernels/core/cancel.h"
#include "kernels/gemm/order.h"
#include "kernels/gemm/tile.h"
#include "kernels/winograd/transform.h"

namespace adze {

// Outputs of a tile along each axis, 2 or 4, or 0 where direct summation is faster. By the layer's shape alone: the
// bytes of the result don't depend on the batch, the threads or the instruction set. `oc` counts one channel group's.
int winograd_outputs(const ConvGeometry& g, std::int64_t oc);

struct WinogradLayer {
  ConvGeometry geometry;
  std::int64_t oc;      // of one channel group
  std::int64_t groups;  // of channels
  int outputs;          // of a tile along each axis: 2 or 4
  const TileSet* tiles;

  int side() const { return outputs + 2; }
  int points() const { return side() * side(); }
  // Tiles of one phase, of an image, of all images.
  std::int64_t tile_lines() const { return tiles_along(1); }
  std::int64_t tile_columns() const { return tiles_along(2); }
  std::int64_t image_tiles() const {
    return geometry.dilation[1] * geometry.dilation[2] * tile_lines() * tile_columns();
  }
  std::int64_t tile_count() const { return geometry.n * image_tiles(); }
  // Blocks of a panel: those that pass over one image's tiles with the fewest loads of the weights.
  int panel_blocks() const;
  // Floats of one channel group's packed weights, of all weights, and of each thread's scratch; channels of an output.
  std::int64_t group_size() const;
  std::int64_t weights_size() const { return groups * group_size(); }
  std::int64_t scratch_size() const;
  std::int64_t channels() const { return groups * oc; }

 private:
  std::int64_t tiles_along(std::size_t axis) const {
    const std::int64_t pixels = (geometry.out[axis] + geometry.dilation[axis] - 1) / geometry.dilation[axis];
    return (pixels + outputs - 1) / outputs;
  }
};

// `weights` is [groups * oc][ic][3][3]; dst is zeroed.
void pack_winograd(const WinogradLayer& layer, std::span<const float> weights, float* dst);

struct WinogradArgs {
  WinogradLayer layer;
  const WinogradTransforms* transforms;
  const float* src;
  const float* weights;
  const float* zeros;     // ic floats of 0
  const float* bias;      // per channel group oc floats padded to a multiple of 16, or null
  const float* residual;  // [n, h, w, groups * oc], or null
  float* dst;
  ActivationArgs activation;
  std::int64_t dst_pitch = 0, residual_pitch = 0;  // pixel_pitch
  Share share = Share::by_shape;  // rows are tiles
};

// Computes this slice's share of dst. Returns early when `cancel` is raised. `scratch` is 64-byte aligned.
void winograd_f32(const WinogradArgs& args, float* scratch, Slice slice, const CancelFlag& cancel);

}  // namespace adze
