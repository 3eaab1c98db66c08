// What a message's fields say of its format: media types and content encodings (RFC 9110, 8.3, 8.4 and 12.5).
#pragma once

#include <optional>
#include <string_view>

namespace adze::server {

enum class Encoding { identity, gzip, deflate };

// The name in Content-Encoding.
std::string_view name_of(Encoding encoding);
// The one encoding that a Content-Encoding field names; nothing where it names another, or several.
std::optional<Encoding> content_encoding(std::string_view field);
// The encoding that an Accept-Encoding field likes best: the first of the highest weight.
Encoding preferred_encoding(std::string_view field);

// Whether an Accept field admits the media type. An empty field admits everything.
bool accepts(std::string_view field, std::string_view type);
// Whether a Content-Type field names the media type, and no charset but UTF-8.
bool is_media_type(std::string_view field, std::string_view type);

}  // namespace adze::server
