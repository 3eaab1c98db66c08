#include "graph/image/image.h"

#include <string_view>

namespace adze {
namespace {

// Null where the library is missing; graph/module.cmake defines what is there.
using Decoder = Result<Raster> (*)(ImageBytes);
#ifdef ADZE_HAS_JPEG
constexpr Decoder kJpeg = decode_jpeg;
#else
constexpr Decoder kJpeg = nullptr;
#endif
#ifdef ADZE_HAS_JPEG2000
constexpr Decoder kJpeg2000 = decode_jpeg2000;
#else
constexpr Decoder kJpeg2000 = nullptr;
#endif
#ifdef ADZE_HAS_PNG
constexpr Decoder kPng = decode_png;
#else
constexpr Decoder kPng = nullptr;
#endif
#ifdef ADZE_HAS_TIFF
constexpr Decoder kTiff = decode_tiff;
#else
constexpr Decoder kTiff = nullptr;
#endif
#ifdef ADZE_HAS_WEBP
constexpr Decoder kWebp = decode_webp;
#else
constexpr Decoder kWebp = nullptr;
#endif

struct Format {
  std::string_view name;
  std::string_view magic;
  std::size_t offset;  // of the magic bytes
  Decoder decode;
};

using namespace std::string_view_literals;
constexpr Format kFormats[] = {
    {"BMP", "BM"sv, 0, decode_bmp},
    {"PNM", "P1"sv, 0, decode_pnm},
    {"PNM", "P2"sv, 0, decode_pnm},
    {"PNM", "P3"sv, 0, decode_pnm},
    {"PNM", "P4"sv, 0, decode_pnm},
    {"PNM", "P5"sv, 0, decode_pnm},
    {"PNM", "P6"sv, 0, decode_pnm},
    {"JPEG", "\xff\xd8\xff"sv, 0, kJpeg},
    {"JPEG 2000", "\0\0\0\x0cjP  \r\n\x87\n"sv, 0, kJpeg2000},
    {"JPEG 2000", "\xff\x4f\xff\x51"sv, 0, kJpeg2000},
    {"PNG", "\x89PNG\r\n\x1a\n"sv, 0, kPng},
    {"TIFF", "II*\0"sv, 0, kTiff},
    {"TIFF", "MM\0*"sv, 0, kTiff},
    {"TIFF", "II+\0"sv, 0, kTiff},  // 64-bit offsets
    {"TIFF", "MM\0+"sv, 0, kTiff},
    {"WebP", "WEBP"sv, 8, kWebp},
};

}  // namespace

Result<Raster> blank_raster(std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) return make_error(Code::bad_input, "the image is empty");
  if (width > kMaxPixels || height > kMaxPixels / width) {
    return make_error(Code::resource_limit, "an image of ", width, 'x', height, " pixels is above the limit of ",
                      kMaxPixels);
  }
  return Raster{static_cast<std::int64_t>(height), static_cast<std::int64_t>(width),
                std::vector<std::uint8_t>(width * height * 3)};
}

Result<Raster> decode_image(ImageBytes file) {
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  for (const Format& format : kFormats) {
    if (bytes.size() < format.offset || !bytes.substr(format.offset).starts_with(format.magic)) continue;
    if (!format.decode) return make_error(Code::unsupported, "this build reads no ", format.name, " images");
    auto decoded = format.decode(file);
    if (!decoded) return std::move(decoded).error().with_context(concat(format.name, " image"));
    return decoded;
  }
  return make_error(Code::bad_input, file.size(), " bytes are no image of a known format");
}

}  // namespace adze
