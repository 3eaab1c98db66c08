// Strings as JSON, for answers that are put together by hand.
#pragma once

#include <string>
#include <string_view>

namespace adze::server {

// Appends the text as a JSON string, quotes included, in ASCII: what lies outside, and what a terminal might take for
// more than text, goes as \u escapes. Bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

// {"error": "..."}
std::string error_json(std::string_view message);

}  // namespace adze::server
