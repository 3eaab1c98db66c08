// TIFF through libtiff's conversion to RGBA, which multiplies colours by a transparency that the file keeps apart from
// them. Only the first picture is read.
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "graph/image/image.h"

namespace adze {
namespace {

// What the library allocates at once, at most: all pixels with four bytes each.
constexpr tmsize_t kMaxAllocation = static_cast<tmsize_t>(kMaxPixels * 4);

struct File {
  ImageBytes bytes;
  std::uint64_t at = 0;
  bool failed = false;
  char message[256] = "the file is damaged";
};

File& file_of(thandle_t handle) { return *static_cast<File*>(handle); }

tmsize_t read(thandle_t handle, void* dst, tmsize_t n) {
  File& file = file_of(handle);
  const std::uint64_t left = file.at < file.bytes.size() ? file.bytes.size() - file.at : 0;
  const std::size_t count = std::min<std::uint64_t>(left, n > 0 ? static_cast<std::uint64_t>(n) : 0);
  if (count) std::memcpy(dst, file.bytes.data() + file.at, count);
  file.at += count;
  return static_cast<tmsize_t>(count);
}
tmsize_t refuse_write(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  File& file = file_of(handle);
  file.at = offset + (whence == SEEK_CUR ? file.at : whence == SEEK_END ? file.bytes.size() : 0);
  return file.at;
}
int close(thandle_t) { return 0; }
toff_t size(thandle_t handle) { return file_of(handle).bytes.size(); }

// The first message is the cause.
int keep_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& file = *static_cast<File*>(user);
  if (!file.failed) std::vsnprintf(file.message, sizeof file.message, format, arguments);
  file.failed = true;
  return 1;
}
int ignore(TIFF*, void*, const char*, const char*, va_list) { return 1; }

using Handle = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

Handle open(File& file) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  if (!options) return {nullptr, &TIFFClose};
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, &file);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  // m: the file is not mapped, it is in memory already.
  return {
      TIFFClientOpenExt("image", "rm", &file, read, refuse_write, seek, close, size, nullptr, nullptr, options.get()),
      &TIFFClose};
}

}  // namespace

Result<Raster> decode_tiff(ImageBytes bytes) {
  File file{bytes};
  const Handle tiff = open(file);
  const auto failure = [&] { return make_error(Code::bad_input, file.message); };
  std::uint32_t width = 0, height = 0;
  if (!tiff || !TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) ||
      !TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height)) {
    return failure();
  }
  ADZE_TRY(Raster raster, blank_raster(width, height));
  std::vector<std::uint32_t> rgba(static_cast<std::size_t>(width) * height);
  if (!TIFFReadRGBAImageOriented(tiff.get(), width, height, rgba.data(), ORIENTATION_TOPLEFT, 1)) return failure();
  std::uint8_t* dst = raster.rgb.data();
  for (const std::uint32_t pixel : rgba) {
    *dst++ = static_cast<std::uint8_t>(TIFFGetR(pixel));
    *dst++ = static_cast<std::uint8_t>(TIFFGetG(pixel));
    *dst++ = static_cast<std::uint8_t>(TIFFGetB(pixel));
  }
  return raster;
}

}  // namespace adze
