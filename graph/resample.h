// How Resize samples one axis: which source elements make an output position, and with which weights.
#pragma once

#include <string>
#include <vector>

#include "graph/core/result.h"
#include "kernels/resize/resize.h"

namespace adze {

enum class ResizeMode { nearest, linear, cubic };
enum class Coordinates {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize,
};
enum class NearestMode {
  round_prefer_floor,
  round_prefer_ceil,
  floor,
  ceil,
  by_direction,  // floor, but ceil where the axis shrinks: what Resize 10 and Upsample are taken to mean
};

struct Sampling {
  ResizeMode mode = ResizeMode::nearest;
  Coordinates coordinates = Coordinates::half_pixel;
  NearestMode nearest = NearestMode::round_prefer_floor;
  double cubic_coeff_a = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
};

// An axis of `in` elements that becomes `out` long; in > 0 or out == 0. The region of interest is a part of [0, 1].
struct ResizedAxis {
  std::int64_t in = 1, out = 1;
  double scale = 1;
  double roi_begin = 0, roi_end = 1;
};

struct AxisTaps {
  std::vector<ResizeTap> taps;  // one per output position; without elements where the extrapolation value belongs
  std::vector<double> weights;
  bool identity = false;  // every position is the source element of the same index

  std::int64_t max_count() const;
};

AxisTaps sample_axis(const Sampling& sampling, const ResizedAxis& axis);

Result<ResizeMode> parse_resize_mode(const std::string& name);
Result<Coordinates> parse_coordinates(const std::string& name);
Result<NearestMode> parse_nearest_mode(const std::string& name);

}  // namespace adze
