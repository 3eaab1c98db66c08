// Convolution of a planar image [n, c, h, w] with few channels, to a channels-last result: what a network's first layer
// does. Two spatial axes, dilation 1, one group.
//
// A strip of source lines is copied between zeros, so nothing is checked afterwards, and neighbouring outputs of a row
// read `stride` floats apart: one pointer and constant distances serve all rows of a register tile (kernels/gemm), and
// k runs through a table of offsets. k counts channel by channel, line by line; weights are packed like any B of that
// k.
#pragma once

#include <vector>

#include "kernels/conv/geometry.h"
#include "kernels/core/cancel.h"
#include "kernels/gemm/tile.h"

namespace adze {

// A register tile whose row i has its element k at src[offsets[k] + i * stride]. Of `tile`, a and next are not used.
struct PlanarTile {
  TileArgs tile;
  const float* src;
  const std::int32_t* offsets;  // tile.kc of them
};
using PlanarTileFn = void (*)(const PlanarTile& args);

// The tile functions of one instruction set, with as many blocks as its TileSet has; null for a stride that there are
// none for.
struct PlanarTiles {
  int rows[2][kMaxBlocks + 1];  // at most, by blocks; [1]: with half of the last block
  PlanarTileFn (*pick)(int rows, int blocks, bool half, std::int64_t stride);
};
extern const KernelTable<const PlanarTiles*> planar_tile_f32;

// Whether planar_conv_f32 takes the convolution of an image with so many channels in one group.
bool planar_takes(const ConvGeometry& g);

struct PlanarLayer {
  PlanarLayer(const ConvGeometry& geometry, std::int64_t out_channels);

  ConvGeometry g;  // ic: channels of the source
  std::int64_t oc;
  std::int64_t strip_rows;            // of the output
  std::int64_t lines, line_pitch;     // of one channel in a strip
  std::vector<std::int32_t> offsets;  // by k, within a strip

  std::int64_t k() const { return g.ic * g.taps(); }
  std::int64_t scratch_size() const { return g.ic * lines * line_pitch; }  // floats, per thread
};

struct PlanarArgs {
  const PlanarLayer* layer;
  const TileSet* tiles;
  const PlanarTiles* planar;
  const float* src;
  const float* weights;   // [k, oc], packed for `tiles`
  const float* bias;      // oc floats padded to a multiple of 16, or null
  const float* residual;  // [n, h, w, oc], or null
  float* dst;
  ActivationArgs activation;
  std::int64_t dst_pitch = 0, residual_pitch = 0;  // pixel_pitch
};

// Computes this slice's rows. Returns early when `cancel` is raised.
void planar_conv_f32(const PlanarArgs& args, float* scratch, Slice slice, const CancelFlag& cancel);

}  // namespace adze
