#include "server/http/compression.h"

#include <gtest/gtest.h>

#include <random>

namespace adze::server {
namespace {

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string packed(std::string_view text, Encoding encoding) { return deflated({&text, 1}, encoding); }

TEST(Compression, ComesBackAsItWent) {
  for (const Encoding encoding : {Encoding::gzip, Encoding::deflate}) {
    for (const std::string& text : {std::string(), std::string("x"), noise(70'000), std::string(300'000, 'z')}) {
      const auto back = inflated(packed(text, encoding), encoding, {});
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_EQ(*back, text);
    }
  }
}

TEST(Compression, PiecesBecomeOneStream) {
  const std::string_view pieces[] = {"{\"outputs\":[]}", "", "tensor"};
  const auto back = inflated(deflated(pieces, Encoding::deflate), Encoding::deflate, {});
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, "{\"outputs\":[]}tensor");
}

TEST(Compression, GzipStreamsFollowOneAnother) {
  const auto back = inflated(packed("one ", Encoding::gzip) + packed("two", Encoding::gzip), Encoding::gzip, {});
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, "one two");
}

TEST(Compression, OnlyWholeStreamsAreTaken) {
  const std::string gzip = packed(noise(1000), Encoding::gzip), zlib = packed("text", Encoding::deflate);
  std::string flipped = gzip;
  flipped[flipped.size() / 2] ^= 1;
  for (const auto& [body, encoding] :
       std::vector<std::pair<std::string, Encoding>>{{"", Encoding::gzip},
                                                     {"plain text", Encoding::gzip},
                                                     {gzip.substr(0, gzip.size() - 1), Encoding::gzip},
                                                     {gzip.substr(0, 5), Encoding::gzip},
                                                     {gzip + "x", Encoding::gzip},
                                                     {flipped, Encoding::gzip},
                                                     {gzip, Encoding::deflate},
                                                     {zlib, Encoding::gzip},
                                                     {zlib + zlib, Encoding::deflate}}) {
    const auto result = inflated(body, encoding, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::bad_input);
  }
}

TEST(Compression, BombsStopAtTheirLimits) {
  const std::string bomb = packed(std::string(std::size_t{8} << 20, '\0'), Encoding::gzip);
  ASSERT_LT(bomb.size(), 64u << 10);
  const auto by_ratio = inflated(bomb, Encoding::gzip, {.ratio = 20});
  ASSERT_FALSE(by_ratio);
  EXPECT_EQ(by_ratio.error().code, Code::resource_limit);
  EXPECT_NE(by_ratio.error().message.find(std::to_string(std::max<std::size_t>(1 << 20, bomb.size() * 20))),
            std::string::npos);
  EXPECT_FALSE(inflated(bomb, Encoding::gzip, {.bytes = 1 << 20, .ratio = 100'000}));
  EXPECT_TRUE(inflated(bomb, Encoding::gzip, {.ratio = 100'000}));
  // A small tensor of zeros passes at any ratio.
  EXPECT_TRUE(inflated(packed(std::string(600'000, '\0'), Encoding::gzip), Encoding::gzip, {}));
}

}  // namespace
}  // namespace adze::server
