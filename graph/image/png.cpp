// PNG through libpng, without gamma: the samples as stored. The library reports errors by longjmp: whatever may jump is
// called from the two functions below, which hold nothing with a destructor.
#include <png.h>

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "graph/image/image.h"

namespace adze {
namespace {

struct Decoder {
  const std::uint8_t* bytes;
  std::size_t left;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf back = {};
  char message[128] = "no memory for a decoder";
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  auto* d = static_cast<Decoder*>(png_get_error_ptr(png));
  std::snprintf(d->message, sizeof d->message, "%s", message);
  std::longjmp(d->back, 1);
}

void ignore(png_structp, png_const_charp) {}

void read(png_structp png, png_bytep dst, std::size_t n) {
  auto* d = static_cast<Decoder*>(png_get_io_ptr(png));
  if (n > d->left) png_error(png, "the file ends too soon");
  std::memcpy(dst, d->bytes, n);
  d->bytes += n;
  d->left -= n;
}

bool read_header(Decoder& d) {
  if (setjmp(d.back)) return false;
  d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, fail, ignore);
  d.info = d.png ? png_create_info_struct(d.png) : nullptr;
  if (!d.info) return false;
  png_set_read_fn(d.png, &d, read);
  png_set_user_limits(d.png, 0x7fffffff, 0x7fffffff);  // blank_raster sets ours
  png_read_info(d.png, d.info);
  return true;
}

// An interlaced picture comes in several passes, each of which leaves the others' pixels alone.
bool read_rows(Decoder& d, std::uint8_t* dst, std::size_t pitch, std::size_t height) {
  if (setjmp(d.back)) return false;
  png_set_palette_to_rgb(d.png);
  png_set_expand_gray_1_2_4_to_8(d.png);
  png_set_strip_16(d.png);
  png_set_strip_alpha(d.png);
  png_set_gray_to_rgb(d.png);
  const int passes = png_set_interlace_handling(d.png);
  png_read_update_info(d.png, d.info);
  if (png_get_rowbytes(d.png, d.info) != pitch) png_error(d.png, "its rows have another size");
  for (int pass = 0; pass < passes; pass++) {
    for (std::size_t y = 0; y < height; y++) png_read_row(d.png, dst + y * pitch, nullptr);
  }
  png_read_end(d.png, nullptr);
  return true;
}

Result<Raster> decode(Decoder& d) {
  const auto failure = [&] { return make_error(Code::bad_input, d.message); };
  if (!read_header(d)) return failure();
  ADZE_TRY(Raster raster, blank_raster(png_get_image_width(d.png, d.info), png_get_image_height(d.png, d.info)));
  if (!read_rows(d, raster.rgb.data(), static_cast<std::size_t>(raster.width) * 3,
                 static_cast<std::size_t>(raster.height))) {
    return failure();
  }
  return raster;
}

}  // namespace

Result<Raster> decode_png(ImageBytes file) {
  Decoder d{file.data(), file.size()};
  auto raster = decode(d);
  if (d.png) png_destroy_read_struct(&d.png, d.info ? &d.info : nullptr, nullptr);
  return raster;
}

}  // namespace adze
