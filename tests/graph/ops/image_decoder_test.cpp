#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

Tensor ppm() {
  Bytes bytes;
  for (const char c : std::string_view("P3 2 1 255 10 20 30 255 0 0")) bytes.push_back(static_cast<std::uint8_t>(c));
  return Tensor::from<std::uint8_t>({static_cast<std::int64_t>(bytes.size())}, bytes);
}

TEST(ImageDecoder, OrdersItsChannelsAsAsked) {
  const Tensor rgb = run_op("ImageDecoder", 20, {}, {ppm()});
  EXPECT_EQ(to_string(rgb.shape()), "1x2x3");
  EXPECT_EQ(values<std::uint8_t>(rgb), (Bytes{10, 20, 30, 255, 0, 0}));
  EXPECT_EQ(values<std::uint8_t>(run_op("ImageDecoder", 20, {{"pixel_format", std::string("BGR")}}, {ppm()})),
            (Bytes{30, 20, 10, 0, 0, 255}));
  const Tensor grey = run_op("ImageDecoder", 20, {{"pixel_format", std::string("Grayscale")}}, {ppm()});
  EXPECT_EQ(to_string(grey.shape()), "1x2x1");
  EXPECT_EQ(values<std::uint8_t>(grey), (Bytes{18, 76}));  // 0.299 red + 0.587 green + 0.114 blue
}

TEST(ImageDecoder, RefusesWhatItCannotRead) {
  EXPECT_FALSE(try_op("ImageDecoder", 20, {{"pixel_format", std::string("CMYK")}}, {ppm()}).has_value());
  EXPECT_FALSE(try_op("ImageDecoder", 20, {}, {tensor_of<std::uint8_t>({2}, {1, 2})}).has_value());
  EXPECT_FALSE(try_op("ImageDecoder", 20, {}, {ppm().reshaped({1, ppm().elements()})}).has_value());
}

}  // namespace
}  // namespace adze::testing
