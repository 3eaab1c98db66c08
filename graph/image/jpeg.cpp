// JPEG through libjpeg, with its "fancy" upsampling, as ONNX asks. The library reports errors by longjmp: whatever may
// jump is called from the two functions below, which hold nothing with a destructor.
//
// In this order: jpeglib.h uses FILE and size_t without declaring them.
// clang-format off
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "graph/image/image.h"

namespace adze {
namespace {

// Each scan of a progressive file goes over the whole picture: a small file may ask for hours.
constexpr int kMaxScans = 256;

struct Errors {
  jpeg_error_mgr base;  // first: the library knows only this
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<Errors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

// Level -1 is a warning: damage that the library paints over. A file that ends too soon is refused.
void warn(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) fail(info);
}

void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<Errors*>(info->err);
  std::snprintf(errors->message, sizeof errors->message, "more than %d scans", kMaxScans);
  std::longjmp(errors->back, 1);
}

struct Decoder {
  jpeg_decompress_struct info;
  jpeg_progress_mgr progress;
  Errors errors;
};

bool read_header(Decoder& d, const std::uint8_t* bytes, std::size_t size) {
  if (setjmp(d.errors.back)) return false;
  jpeg_create_decompress(&d.info);
  d.info.progress = &d.progress;
  jpeg_mem_src(&d.info, bytes, size);
  jpeg_read_header(&d.info, TRUE);
  return true;
}

bool read_rows(Decoder& d, std::uint8_t* dst, std::size_t pitch) {
  if (setjmp(d.errors.back)) return false;
  d.info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&d.info);
  while (d.info.output_scanline < d.info.output_height) {
    JSAMPROW row = dst + pitch * d.info.output_scanline;
    jpeg_read_scanlines(&d.info, &row, 1);
  }
  jpeg_finish_decompress(&d.info);
  return true;
}

Result<Raster> decode(Decoder& d, ImageBytes file) {
  const auto failure = [&] { return make_error(Code::bad_input, d.errors.message); };
  if (!read_header(d, file.data(), file.size())) return failure();
  ADZE_TRY(Raster raster, blank_raster(d.info.image_width, d.info.image_height));
  if (!read_rows(d, raster.rgb.data(), static_cast<std::size_t>(raster.width) * 3)) return failure();
  return raster;
}

}  // namespace

Result<Raster> decode_jpeg(ImageBytes file) {
  Decoder d{};
  d.info.err = jpeg_std_error(&d.errors.base);
  d.errors.base.error_exit = fail;
  d.errors.base.emit_message = warn;
  d.progress.progress_monitor = count_scans;
  auto raster = decode(d, file);
  jpeg_destroy_decompress(&d.info);
  return raster;
}

}  // namespace adze
