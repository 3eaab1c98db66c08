// Windows bitmaps, uncompressed: 1, 4, 8, 16, 24 or 32 bits per pixel, with a palette or bit fields.
#include <array>
#include <bit>

#include "graph/image/image.h"

namespace adze {
namespace {

Error damaged() { return make_error(Code::bad_input, "the file is damaged"); }

// Little-endian numbers; what lies behind the end reads as 0 after fits() said so.
struct Reader {
  ImageBytes file;

  bool fits(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= file.size() && bytes <= file.size() - offset;
  }
  std::uint32_t number(std::uint64_t offset, int bytes) const {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value |= std::uint32_t{file[offset + static_cast<std::uint64_t>(i)]} << 8 * i;
    return value;
  }
};

struct Header {
  std::uint64_t pixels = 0, palette = 0;  // offsets
  std::uint32_t width = 0, height = 0, bits = 0, colours = 0;
  std::uint64_t colour_bytes = 4;
  bool top_down = false;
  std::array<std::uint32_t, 3> masks = {};  // red, green, blue of 16 and 32 bits
};

constexpr std::uint32_t kCore = 12, kInfo = 40, kMaxHeader = 124, kFileHeader = 14;
enum Compression : std::uint32_t { kNone = 0, kBitFields = 3, kAlphaBitFields = 6 };

Result<Header> read_header(const Reader& in) {
  if (!in.fits(0, kFileHeader + 4)) return damaged();
  const std::uint32_t size = in.number(kFileHeader, 4);
  const bool core = size == kCore;
  if ((!core && size < kInfo) || size > kMaxHeader || !in.fits(kFileHeader, size)) return damaged();
  Header h;
  h.pixels = in.number(10, 4);
  h.palette = kFileHeader + size;
  h.width = in.number(18, core ? 2 : 4);
  h.height = in.number(core ? 20 : 22, core ? 2 : 4);
  h.bits = in.number(core ? 24 : 28, 2);
  h.colour_bytes = core ? 3 : 4;
  const std::uint32_t compression = core ? kNone : in.number(30, 4);
  if (!core) {
    h.colours = in.number(46, 4);
    h.top_down = (h.height >> 31) != 0;
    if (h.top_down) h.height = 0 - h.height;
    if (h.width >> 31) return damaged();
  }
  const bool wide = h.bits == 16 || h.bits == 32;
  if (wide) h.masks = h.bits == 16 ? std::array{0x7c00u, 0x3e0u, 0x1fu} : std::array{0xff0000u, 0xff00u, 0xffu};
  if (compression == kBitFields || compression == kAlphaBitFields) {
    if (!wide || !in.fits(54, 12)) return damaged();
    for (std::size_t i = 0; i < 3; i++) h.masks[i] = in.number(54 + 4 * i, 4);
  } else if (compression != kNone) {
    return make_error(Code::unsupported, "compression ", compression, " is not supported");
  }
  if (h.bits != 1 && h.bits != 4 && h.bits != 8 && h.bits != 24 && !wide) return damaged();
  if (h.bits <= 8) {
    const std::uint32_t most = 1u << h.bits;
    if (h.colours == 0) h.colours = most;
    if (h.colours > most || !in.fits(h.palette, h.colours * h.colour_bytes)) return damaged();
  }
  return h;
}

// The bits under the mask, stretched to 0 to 255.
std::uint8_t sample(std::uint32_t pixel, std::uint32_t mask) {
  if (!mask) return 0;
  const std::uint64_t value = (pixel & mask) >> std::countr_zero(mask), most = mask >> std::countr_zero(mask);
  return static_cast<std::uint8_t>((value * 255 + most / 2) / most);
}

}  // namespace

Result<Raster> decode_bmp(ImageBytes file) {
  const Reader in{file};
  ADZE_TRY(const Header h, read_header(in));
  const std::uint64_t pitch = (std::uint64_t{h.width} * h.bits + 31) / 32 * 4;
  if (h.height &&
      (pitch > file.size() || !in.fits(h.pixels, pitch * (h.height - 1) + (h.width * std::uint64_t{h.bits} + 7) / 8))) {
    return damaged();
  }
  ADZE_TRY(Raster raster, blank_raster(h.width, h.height));
  for (std::int64_t y = 0; y < raster.height; y++) {
    const auto line = static_cast<std::uint64_t>(h.top_down ? y : raster.height - 1 - y);
    std::uint8_t* dst = raster.row(y);
    for (std::uint32_t x = 0; x < h.width; x++, dst += 3) {
      const std::uint64_t at = h.pixels + line * pitch + std::uint64_t{x} * h.bits / 8;
      if (h.bits == 16 || h.bits == 32) {
        const std::uint32_t pixel = in.number(at, static_cast<int>(h.bits / 8));
        for (std::size_t i = 0; i < 3; i++) dst[i] = sample(pixel, h.masks[i]);
        continue;
      }
      std::uint64_t colour = at;
      if (h.bits <= 8) {
        const std::uint32_t index = in.number(at, 1) >> (8 - h.bits - x * h.bits % 8) & ((1u << h.bits) - 1);
        if (index >= h.colours) return damaged();
        colour = h.palette + index * h.colour_bytes;
      }
      for (std::size_t i = 0; i < 3; i++) dst[i] = file[colour + 2 - i];
    }
  }
  return raster;
}

}  // namespace adze
