// What convolution and pooling share: images in either axis order, and a window that slides over their spatial axes.
#pragma once

#include <array>
#include <vector>

#include "graph/op.h"
#include "kernels/conv/geometry.h"

namespace adze {

// OpDef::note of operators that take an Image.
constexpr std::string_view kImageNote = "1 to 3 spatial axes";
static_assert(kSpatial == 3);

// A tensor [n, c, spatial...], or [n, spatial..., c] when channels_last.
struct Image {
  std::int64_t n = 0, c = 0;
  std::vector<std::int64_t> spatial;

  // Error when the rank is below 3 or has more than kSpatial spatial axes.
  static Result<Image> of(const Shape& shape, bool channels_last);
  Shape shape(bool channels_last) const;
  int axes() const { return static_cast<int>(spatial.size()); }
};

// Sizes with fewer than three axes, padded in front.
Spatial padded(const std::vector<std::int64_t>& values, std::int64_t fill);

// An attribute that a pass sets, of a GlobalAveragePool whose source holds sums: so many pixels went into an image's.
constexpr std::string_view kPooledPixels = "pooled_pixels";

struct Window {
  std::vector<std::int64_t> kernel, stride, dilation, pad_begin, pad_end;

  // Source elements that the window spans along an axis.
  std::int64_t reach(std::size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

// Largest kernel, stride, dilation and pad: products of two stay far from overflow.
constexpr std::int64_t kMaxWindow = std::int64_t{1} << 24;

inline constexpr AttrSpec kWindowAttributes[] = {
    {"auto_pad", AttrKind::string},
    {"kernel_shape", AttrKind::integers, false, 1, kMaxWindow},
    {"strides", AttrKind::integers, false, 1, kMaxWindow},
    {"dilations", AttrKind::integers, false, 1, kMaxWindow},
    {"pads", AttrKind::integers, false, -kMaxWindow, kMaxWindow},
};

// kernel_shape (or `kernel` where the attribute is absent), strides, dilations and pads; not yet auto_pad.
Result<Window> read_window(const Node& node, int axes, const std::vector<std::int64_t>& kernel);

// Resolves auto_pad for a window that reads `in`, and gives the number of its positions per axis. With ceil_mode the
// last position may hang over the end, but must begin inside the source or its padding before it.
Result<std::vector<std::int64_t>> slide(const Node& node, Window& window, const std::vector<std::int64_t>& in,
                                        bool ceil_mode);

// Pooling: a window never lies in the padding before the source alone, and the source is not cropped.
Result<void> check_padding(const Window& window);

}  // namespace adze
