#include "graph/image/image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/graph/image/samples.h"

namespace adze::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}
Bytes from_text(std::string_view text) { return {text.begin(), text.end()}; }

const Bytes kColours = {255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 128, 64, 32};

void expect_pixels(const Bytes& file, std::int64_t height, std::int64_t width, const Bytes& rgb, int tolerance = 0) {
  const auto raster = decode_image(file);
  if (!raster && raster.error().code == Code::unsupported) GTEST_SKIP() << raster.error().message;
  ASSERT_TRUE(raster) << raster.error().message;
  EXPECT_EQ(raster->height, height);
  EXPECT_EQ(raster->width, width);
  ASSERT_EQ(raster->rgb.size(), rgb.size());
  for (std::size_t i = 0; i < rgb.size(); i++) EXPECT_NEAR(raster->rgb[i], rgb[i], tolerance) << "byte " << i;
}

void expect_error(const Bytes& file, Code code) {
  const auto raster = decode_image(file);
  ASSERT_FALSE(raster);
  EXPECT_EQ(raster.error().code, code) << raster.error().message;
}

TEST(ImagePng, GivesThePixels) { expect_pixels(from_hex(kPngColours), 2, 3, kColours); }
TEST(ImagePng, ResolvesAPalette) { expect_pixels(from_hex(kPngPalette), 2, 3, kColours); }
TEST(ImagePng, LeavesTransparencyOut) { expect_pixels(from_hex(kPngTransparent), 2, 3, kColours); }
TEST(ImageTiff, GivesThePixels) { expect_pixels(from_hex(kTiffColours), 2, 3, kColours); }
TEST(ImageWebp, GivesThePixels) { expect_pixels(from_hex(kWebpColours), 2, 3, kColours); }
TEST(ImageJpeg2000, GivesThePixelsOfAFile) { expect_pixels(from_hex(kJp2Colours), 2, 3, kColours); }
TEST(ImageJpeg2000, GivesThePixelsOfACodestream) { expect_pixels(from_hex(kJ2kColours), 2, 3, kColours); }
TEST(ImageJpeg, GivesThePixels) {
  Bytes flat;
  for (int i = 0; i < 6; i++) flat.insert(flat.end(), {200, 100, 50});
  expect_pixels(from_hex(kJpegFlat), 2, 3, flat, 2);
}

TEST(Image, RefusesWhatIsNone) {
  expect_error({}, Code::bad_input);
  expect_error(from_text("GIF89a"), Code::bad_input);
  expect_error(from_text("P"), Code::bad_input);
}

constexpr std::string_view kSamples[] = {kPngColours,  kPngPalette, kPngTransparent, kTiffColours,
                                         kWebpColours, kJp2Colours, kJ2kColours,     kJpegFlat};

TEST(Image, SurvivesEveryTruncation) {
  for (const std::string_view sample : kSamples) {
    const Bytes whole = from_hex(sample);
    for (std::size_t size = 0; size < whole.size(); size++) {
      // A heap block of its own, so that a sanitizer sees a byte read behind it.
      const Bytes file(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto raster = decode_image(file);
      EXPECT_TRUE(!raster || raster->rgb.size() == 18) << size;
    }
  }
}

TEST(Image, SurvivesEveryDamagedByte) {
  for (const std::string_view sample : kSamples) {
    Bytes file = from_hex(sample);
    for (std::uint8_t& byte : file) {
      byte ^= 0xff;
      const auto raster = decode_image(file);
      EXPECT_TRUE(!raster || static_cast<std::int64_t>(raster->rgb.size()) == raster->height * raster->width * 3);
      byte ^= 0xff;
    }
  }
}

// ---- PNM ------------------------------------------------------------------------------------------------------------

TEST(ImagePnm, ReadsText) {
  expect_pixels(from_text("P3 # colours\n3 2\n255\n255 0 0 0 255 0 0 0 255 0 0 0 255 255 255 128 64 32"), 2, 3,
                kColours);
  expect_pixels(from_text("P2\n# a comment\n# another\n2 1\n15\n0 15"), 1, 2, {0, 0, 0, 255, 255, 255});
  expect_pixels(from_text("P1\n3 1\n011"), 1, 3, {255, 255, 255, 0, 0, 0, 0, 0, 0});
}

TEST(ImagePnm, ReadsBinary) {
  Bytes file = from_text("P6 3 2 255\n");
  file.insert(file.end(), kColours.begin(), kColours.end());
  expect_pixels(file, 2, 3, kColours);
  expect_pixels({'P', '5', ' ', '2', ' ', '1', ' ', '6', '5', '5', '3', '5', '\n', 0, 0, 255, 255}, 1, 2,
                {0, 0, 0, 255, 255, 255});
  // Each row begins with a byte of its own.
  expect_pixels({'P', '4', ' ', '1', ' ', '2', '\n', 0x80, 0x7f}, 2, 1, {0, 0, 0, 255, 255, 255});
}

TEST(ImagePnm, RefusesDamage) {
  for (const std::string_view text :
       {"P6", "P6 1 1 255", "P6 1 1 255\n\1\2", "P5 1 1 0\n\1", "P5 1 1 70000\n\1", "P2 1 1 5\n6", "P1 1 1\n2",
        "P2 -1 1 5\n1", "P5 4000000000 4000000000 255\n\1", "P2 99999999999999999999 1 5\n1"}) {
    expect_error(from_text(text), Code::bad_input);
  }
  expect_error(from_text("P5 0 1 255\n\1"), Code::bad_input);
}

// ---- BMP ------------------------------------------------------------------------------------------------------------

void put(Bytes& file, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++, value >>= 8) file.push_back(static_cast<std::uint8_t>(value));
}

// An info header with `extra` (masks or a palette) behind it, then the rows.
Bytes bmp(std::int32_t width, std::int32_t height, int bits, int compression, const Bytes& extra, const Bytes& rows) {
  Bytes file = {'B', 'M'};
  put(file, 0, 8);
  put(file, 54 + extra.size(), 4);
  put(file, 40, 4);
  put(file, static_cast<std::uint32_t>(width), 4);
  put(file, static_cast<std::uint32_t>(height), 4);
  put(file, 1, 2);
  put(file, static_cast<std::uint64_t>(bits), 2);
  put(file, static_cast<std::uint64_t>(compression), 4);
  put(file, 0, 12);
  put(file, bits <= 8 ? extra.size() / 4 : 0, 4);
  put(file, 0, 4);
  file.insert(file.end(), extra.begin(), extra.end());
  file.insert(file.end(), rows.begin(), rows.end());
  return file;
}

TEST(ImageBmp, ReadsRowsFromTheBottomInBlueGreenRed) {
  const Bytes rows = {0, 0, 0, 255, 255, 255, 32, 64, 128, 0, 0, 0, 0, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0};
  expect_pixels(bmp(3, 2, 24, 0, {}, rows), 2, 3, kColours);
  expect_pixels(bmp(1, -2, 24, 0, {}, {1, 2, 3, 0, 4, 5, 6, 0}), 2, 1, {3, 2, 1, 6, 5, 4});
}

TEST(ImageBmp, ReadsPalettes) {
  const Bytes palette = {30, 20, 10, 0, 60, 50, 40, 0};
  expect_pixels(bmp(2, 1, 8, 0, palette, {1, 0, 0, 0}), 1, 2, {40, 50, 60, 10, 20, 30});
  expect_pixels(bmp(3, 1, 4, 0, palette, {0x10, 0x10, 0, 0}), 1, 3, {40, 50, 60, 10, 20, 30, 40, 50, 60});
  expect_pixels(bmp(2, 1, 1, 0, palette, {0x40, 0, 0, 0}), 1, 2, {10, 20, 30, 40, 50, 60});
  expect_error(bmp(1, 1, 8, 0, palette, {2, 0, 0, 0}), Code::bad_input);
}

TEST(ImageBmp, ReadsBitFields) {
  expect_pixels(bmp(1, 1, 16, 0, {}, {0xff, 0x7f, 0, 0}), 1, 1, {255, 255, 255});
  const Bytes masks565 = {0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0};
  expect_pixels(bmp(1, 1, 16, 3, masks565, {0xe0, 0x07, 0, 0}), 1, 1, {0, 255, 0});
  expect_pixels(bmp(1, 1, 32, 0, {}, {1, 2, 3, 99}), 1, 1, {3, 2, 1});
}

TEST(ImageBmp, RefusesDamage) {
  expect_error(bmp(2, 1, 24, 0, {}, {1, 2, 3, 4, 5}), Code::bad_input);
  expect_error(bmp(1 << 30, 1 << 30, 24, 0, {}, {1}), Code::bad_input);
  expect_error(bmp(-1, 1, 24, 0, {}, {1, 2, 3, 0}), Code::bad_input);
  expect_error(bmp(0, 1, 24, 0, {}, {}), Code::bad_input);
  expect_error(bmp(1, 1, 7, 0, {}, {0, 0, 0, 0}), Code::bad_input);
  expect_error(bmp(1, 1, 8, 1, {0, 0, 0, 0}, {1, 0, 0, 1}), Code::unsupported);
  const Bytes whole = bmp(1, 1, 8, 0, {9, 9, 9, 0}, {0, 0, 0, 0});
  for (std::size_t size = 0; size + 3 < whole.size(); size++) {
    EXPECT_FALSE(decode_image(ImageBytes(whole).first(size))) << size;
  }
}

}  // namespace
}  // namespace adze::testing
