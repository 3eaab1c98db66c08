#include "graph/resample.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace adze {
namespace {

template <class T>
struct Named {
  std::string_view name;
  T value;
};

constexpr Named<ResizeMode> kModes[] = {
    {"nearest", ResizeMode::nearest}, {"linear", ResizeMode::linear}, {"cubic", ResizeMode::cubic}};
constexpr Named<Coordinates> kCoordinates[] = {{"half_pixel", Coordinates::half_pixel},
                                               {"half_pixel_symmetric", Coordinates::half_pixel_symmetric},
                                               {"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
                                               {"align_corners", Coordinates::align_corners},
                                               {"asymmetric", Coordinates::asymmetric},
                                               {"tf_half_pixel_for_nn", Coordinates::tf_half_pixel_for_nn},
                                               {"tf_crop_and_resize", Coordinates::tf_crop_and_resize}};
constexpr Named<NearestMode> kNearest[] = {{"round_prefer_floor", NearestMode::round_prefer_floor},
                                           {"round_prefer_ceil", NearestMode::round_prefer_ceil},
                                           {"floor", NearestMode::floor},
                                           {"ceil", NearestMode::ceil}};

template <class T>
Result<T> parse(std::span<const Named<T>> names, std::string_view attribute, const std::string& name) {
  for (const auto& candidate : names) {
    if (candidate.name == name) return candidate.value;
  }
  return make_error(Code::invalid_model, "attribute \"", attribute, "\" is \"", name, '"');
}

// Where output position y lies on the source axis, in elements. What ONNX calls the resized length is scale * in, which
// differs from `out` by the fraction that was cut off.
double coordinate(const Sampling& sampling, const ResizedAxis& axis, double y) {
  const auto in = static_cast<double>(axis.in);
  const double resized = axis.scale * in;
  switch (sampling.coordinates) {
    case Coordinates::half_pixel:
      return (y + 0.5) / axis.scale - 0.5;
    case Coordinates::half_pixel_symmetric:
      return in / 2 * (1 - static_cast<double>(axis.out) / resized) + (y + 0.5) / axis.scale - 0.5;
    case Coordinates::pytorch_half_pixel:
      return resized == 1 ? -0.5 : (y + 0.5) / axis.scale - 0.5;
    case Coordinates::align_corners:
      return resized == 1 ? 0 : y * (in - 1) / (resized - 1);
    case Coordinates::asymmetric:
      return y / axis.scale;
    case Coordinates::tf_half_pixel_for_nn:
      return (y + 0.5) / axis.scale;
    case Coordinates::tf_crop_and_resize: {
      const double length = (axis.roi_end - axis.roi_begin) * (in - 1);
      return axis.roi_begin * (in - 1) + (resized == 1 ? length / 2 : y * length / (resized - 1));
    }
  }
  return y;
}

// 1 for the right neighbour, 0 for the left one, at `ratio` in (0, 1] between them.
double nearest_weight(NearestMode mode, double ratio, double scale) {
  if (ratio == 1) return 1;
  switch (mode) {
    case NearestMode::round_prefer_floor:
      return ratio > 0.5;
    case NearestMode::round_prefer_ceil:
      return ratio >= 0.5;
    case NearestMode::floor:
      return 0;
    case NearestMode::ceil:
      return 1;
    case NearestMode::by_direction:
      return scale < 1;
  }
  return 0;
}

// Keys' cubic convolution kernel.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// The weights of the elements from `first` on, relative to the one left of the coordinate.
struct Filter {
  std::int64_t first = 0;
  std::vector<double> weights;
};

void fill_filter(const Sampling& sampling, double scale, double ratio, Filter& filter) {
  filter.weights.clear();
  if (sampling.mode == ResizeMode::nearest) {
    const double right = nearest_weight(sampling.nearest, ratio, scale);
    filter.first = 0;
    filter.weights = {1 - right, right};
    return;
  }
  // Antialiasing widens the kernel to cover all source elements of a shrinking axis.
  const double stretch = sampling.antialias ? std::min(scale, 1.0) : 1.0;
  const double radius = sampling.mode == ResizeMode::linear ? 1 : 2;
  filter.first = static_cast<std::int64_t>(std::floor(-radius / stretch)) + 1;
  double total = 0;
  for (std::int64_t i = filter.first; i < 2 - filter.first; i++) {
    const double x = (static_cast<double>(i) - ratio) * stretch;
    filter.weights.push_back(sampling.mode == ResizeMode::linear ? std::max(0.0, 1 - std::fabs(x))
                                                                 : cubic(x, sampling.cubic_coeff_a));
    total += filter.weights.back();
  }
  if (sampling.antialias && total != 0) {
    for (double& weight : filter.weights) weight /= total;
  }
}

// Weights of elements outside the axis are dropped, and the others scaled to the same sum.
void exclude_outside(Filter& filter, std::int64_t left, std::int64_t in) {
  double total = 0;
  for (std::size_t i = 0; i < filter.weights.size(); i++) {
    const std::int64_t at = left + filter.first + static_cast<std::int64_t>(i);
    if (at < 0 || at >= in) filter.weights[i] = 0;
    total += filter.weights[i];
  }
  if (total == 0) return;
  for (double& weight : filter.weights) weight /= total;
}

// Appends the filter placed at `left`: elements beyond an end stand for the end's own, and zeros at the ends go.
void add_tap(AxisTaps& result, const Filter& filter, std::int64_t left, std::int64_t in) {
  ResizeTap tap{0, 0, static_cast<std::int64_t>(result.weights.size())};
  for (std::size_t i = 0; i < filter.weights.size(); i++) {
    const std::int64_t at = std::clamp<std::int64_t>(left + filter.first + static_cast<std::int64_t>(i), 0, in - 1);
    if (tap.count > 0 && tap.first + tap.count - 1 == at) {
      result.weights.back() += filter.weights[i];
    } else if (tap.count > 0 || filter.weights[i] != 0) {
      if (tap.count == 0) tap.first = at;
      result.weights.push_back(filter.weights[i]);
      tap.count++;
    }
  }
  while (tap.count > 1 && result.weights.back() == 0) {
    result.weights.pop_back();
    tap.count--;
  }
  if (tap.count == 0) {  // all weights are zero: one element, so that the position isn't taken for extrapolation
    tap = {std::clamp<std::int64_t>(left, 0, in - 1), 1, tap.weight};
    result.weights.push_back(0);
  }
  result.taps.push_back(tap);
}

}  // namespace

std::int64_t AxisTaps::max_count() const {
  std::int64_t most = 1;
  for (const ResizeTap& tap : taps) most = std::max(most, tap.count);
  return most;
}

AxisTaps sample_axis(const Sampling& sampling, const ResizedAxis& axis) {
  AxisTaps result;
  result.identity = axis.in == axis.out;
  Filter filter;
  for (std::int64_t y = 0; y < axis.out; y++) {
    const double limit = static_cast<double>(axis.in) + 1;
    const double at = coordinate(sampling, axis, static_cast<double>(y));
    if (sampling.coordinates == Coordinates::tf_crop_and_resize &&
        !(at >= 0 && at <= static_cast<double>(axis.in - 1))) {
      result.taps.push_back({0, 0, 0});
      result.identity = false;
      continue;
    }
    const double x = std::clamp(at, -limit, 2 * limit);
    const auto left = static_cast<std::int64_t>(std::ceil(x)) - 1;
    fill_filter(sampling, axis.scale, x - static_cast<double>(left), filter);
    if (sampling.exclude_outside) exclude_outside(filter, left, axis.in);
    add_tap(result, filter, left, axis.in);
    const ResizeTap& tap = result.taps.back();
    result.identity &= tap.first == y && tap.count == 1 && result.weights.back() == 1;
  }
  return result;
}

Result<ResizeMode> parse_resize_mode(const std::string& name) { return parse<ResizeMode>(kModes, "mode", name); }
Result<Coordinates> parse_coordinates(const std::string& name) {
  return parse<Coordinates>(kCoordinates, "coordinate_transformation_mode", name);
}
Result<NearestMode> parse_nearest_mode(const std::string& name) {
  return parse<NearestMode>(kNearest, "nearest_mode", name);
}

}  // namespace adze
