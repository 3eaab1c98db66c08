// The shape of a convolution over up to three spatial axes; fewer are padded in front with size 1.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/core/slice.h"

namespace adze {

constexpr int kSpatial = 3;  // d, h, w
using Spatial = std::array<std::int64_t, kSpatial>;

// Floats between the pixels of a result or a residual, as its kernel's arguments give them: 0 where pixels follow each
// other.
inline std::int64_t pixel_pitch(std::int64_t given, std::int64_t channels) { return given ? given : channels; }

inline std::int64_t volume(const Spatial& size) { return size[0] * size[1] * size[2]; }

struct ConvGeometry {
  std::int64_t n = 1;
  Spatial in = {1, 1, 1}, out = {1, 1, 1}, kernel = {1, 1, 1};
  Spatial stride = {1, 1, 1}, dilation = {1, 1, 1};
  Spatial pad = {0, 0, 0};    // before the first element; what lies behind the last follows from `out`
  std::int64_t ic = 0;        // channels of a source pixel that one group reads
  std::int64_t ic_pitch = 0;  // floats between source pixels

  std::int64_t pixels() const { return n * volume(out); }
  std::int64_t taps() const { return volume(kernel); }
};

}  // namespace adze
