#include "server/http/negotiation.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

TEST(Negotiation, ContentEncodingIsOneKnownName) {
  EXPECT_EQ(content_encoding(""), Encoding::identity);
  EXPECT_EQ(content_encoding("identity"), Encoding::identity);
  EXPECT_EQ(content_encoding("GZip"), Encoding::gzip);
  EXPECT_EQ(content_encoding("x-gzip"), Encoding::gzip);
  EXPECT_EQ(content_encoding("deflate"), Encoding::deflate);
  for (const char* other : {"br", "gzip, gzip", "gzip,deflate", "gzip;q=1", "gz"})
    EXPECT_FALSE(content_encoding(other)) << other;
}

TEST(Negotiation, TheHeaviestEncodingIsPreferred) {
  EXPECT_EQ(preferred_encoding(""), Encoding::identity);
  EXPECT_EQ(preferred_encoding("br"), Encoding::identity);
  EXPECT_EQ(preferred_encoding("gzip, deflate"), Encoding::gzip);
  EXPECT_EQ(preferred_encoding("deflate, gzip"), Encoding::deflate);
  EXPECT_EQ(preferred_encoding("deflate;q=0.5, br, gzip;q=0.75"), Encoding::gzip);
  EXPECT_EQ(preferred_encoding("gzip;q=0"), Encoding::identity);
  EXPECT_EQ(preferred_encoding("gzip; q=0.001, identity; Q=0.5"), Encoding::identity);
  for (const char* malformed : {"gzip;q=2", "gzip;q=-1", "gzip;q=1.5", "gzip;q=x"})
    EXPECT_EQ(preferred_encoding(malformed), Encoding::identity) << malformed;
}

TEST(Negotiation, TheClosestRangeOfAcceptDecides) {
  constexpr std::string_view kType = "application/json";
  for (const char* yes : {"", "*/*", "application/*", "application/json", "text/html, */*;q=0.1", "Application/JSON",
                          "text/html,application/xhtml+xml,*/*;q=0.8", "*/*;q=0, application/json;q=0.2", "*"})
    EXPECT_TRUE(accepts(yes, kType)) << yes;
  for (const char* no : {"text/html", "text/*", "application/json;q=0", "*/*, application/json;q=0", "app/*", ","})
    EXPECT_FALSE(accepts(no, kType)) << no;
}

TEST(Negotiation, MediaTypesMayHaveParameters) {
  for (const char* yes : {"application/json", "application/JSON ; charset=UTF-8", "application/json;charset=\"utf-8\"",
                          "application/json; version=1"})
    EXPECT_TRUE(is_media_type(yes, "application/json")) << yes;
  for (const char* no : {"", "text/json", "application/json; charset=utf-16", "application/jsonx"})
    EXPECT_FALSE(is_media_type(no, "application/json")) << no;
}

}  // namespace
}  // namespace adze::server
