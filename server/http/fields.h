// The text of field values (RFC 9110, 5.6).
#pragma once

#include <optional>
#include <string_view>

namespace adze::server {

bool equals_ignoring_case(std::string_view a, std::string_view b);
// Without spaces and tabs around it.
std::string_view trimmed(std::string_view text);
// The first item of a list, trimmed; the list is shortened by it and its separator.
std::string_view take_item(std::string_view& list, char separator);
// Digits only: no sign, no spaces, no overflow.
std::optional<std::size_t> parse_digits(std::string_view text, int base = 10);

}  // namespace adze::server
