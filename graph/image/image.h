// Encoded images to pixels. The format is found by the file's first bytes. Each has a file of its own here; those that
// need a library are left out of builds without it. Every size that a file names is checked before it is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/core/result.h"

namespace adze {

// Rows from the top, pixels from the left, three bytes each: red, green, blue.
struct Raster {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> rgb;

  std::uint8_t* row(std::int64_t y) { return rgb.data() + y * width * 3; }
};

using ImageBytes = std::span<const std::uint8_t>;

// A picture of more pixels is refused.
constexpr std::uint64_t kMaxPixels = std::uint64_t{1} << 27;

// All black. Error resource_limit above kMaxPixels, bad_input where it is empty.
Result<Raster> blank_raster(std::uint64_t width, std::uint64_t height);

// The first picture of the file. Samples wider than 8 bits lose their low bits, grey becomes equal red, green and blue,
// and transparency is left out. Error bad_input for what is no image or a damaged one, unsupported for a format or a
// kind of it that this build doesn't read.
Result<Raster> decode_image(ImageBytes file);

// One format each, by the same rules.
Result<Raster> decode_bmp(ImageBytes file);
Result<Raster> decode_pnm(ImageBytes file);
Result<Raster> decode_jpeg(ImageBytes file);
Result<Raster> decode_jpeg2000(ImageBytes file);
Result<Raster> decode_png(ImageBytes file);
Result<Raster> decode_tiff(ImageBytes file);
Result<Raster> decode_webp(ImageBytes file);

}  // namespace adze
