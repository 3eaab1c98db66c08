#include "server/http/json_text.h"

#include <cstdint>

namespace adze::server {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

// The code point at the front of the text, which is shortened by it; kReplacement for a byte that begins none.
std::uint32_t take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // below it, a longer form than needed
  std::uint32_t point = length == 1 ? first : first & (0x7fu >> length);
  bool valid = length > 0 && length <= text.size() && first <= 0xf4;
  for (std::size_t i = 1; valid && i < length; i++) {
    const auto next = static_cast<unsigned char>(text[i]);
    valid = (next & 0xc0) == 0x80;
    point = point << 6 | (next & 0x3f);
  }
  valid = valid && point >= kLeast[length] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  text.remove_prefix(valid ? length : 1);
  return valid ? point : kReplacement;
}

void append_escape(std::string& out, std::uint32_t unit) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 15];
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text[0];
    if (c >= 0x20 && c < 0x7f) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
      text.remove_prefix(1);
      continue;
    }
    const std::uint32_t point = take_code_point(text);
    if (point < 0x10000) {
      append_escape(out, point);
    } else {
      append_escape(out, 0xd800 + ((point - 0x10000) >> 10));
      append_escape(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string error_json(std::string_view message) {
  std::string out = "{\"error\":";
  append_json_string(out, message);
  return out += '}';
}

}  // namespace adze::server
