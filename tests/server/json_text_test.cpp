#include "server/http/json_text.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

TEST(JsonText, EscapesWhatIsNotPlainAscii) {
  EXPECT_EQ(json_string("a\"b\\c/"), R"("a\"b\\c/")");
  EXPECT_EQ(json_string(std::string_view("\0\n\x1b\x7f", 4)), R"("\u0000\u000a\u001b\u007f")");
  EXPECT_EQ(json_string("\xc3\xbc\xe2\x82\xac"), R"("\u00fc\u20ac")");
  EXPECT_EQ(json_string("\xf0\x9f\x98\x80"), R"("\ud83d\ude00")");
  EXPECT_EQ(error_json("x\"y"), R"({"error":"x\"y"})");
}

TEST(JsonText, ReplacesWhatIsNoUtf8) {
  for (const char* bad :
       {"\x80", "\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98"}) {
    const std::string text = json_string(bad);
    EXPECT_TRUE(text.starts_with("\"\\ufffd")) << text;
  }
  EXPECT_EQ(json_string("\xc3(ok"), "\"\\ufffd(ok\"");
}

}  // namespace
}  // namespace adze::server
