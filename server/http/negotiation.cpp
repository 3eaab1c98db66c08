#include "server/http/negotiation.h"

#include "server/http/fields.h"

namespace adze::server {
namespace {

// The weight among an item's parameters in thousandths; 1000 where there is none, 0 where it is malformed.
int weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_item(parameters, ';');
    if (parameter.size() < 3 || (parameter[0] | 32) != 'q' || parameter[1] != '=') continue;
    int value = 0, scale = 1000;
    for (const char c : parameter.substr(2)) {
      if (c == '.' && scale == 100) continue;
      if (c < '0' || c > '9' || scale == 0) return 0;
      value += (c - '0') * scale;
      scale /= 10;
    }
    return value <= 1000 ? value : 0;
  }
  return 1000;
}

std::optional<Encoding> encoding_named(std::string_view name) {
  if (equals_ignoring_case(name, "gzip") || equals_ignoring_case(name, "x-gzip")) return Encoding::gzip;
  if (equals_ignoring_case(name, "deflate")) return Encoding::deflate;
  if (equals_ignoring_case(name, "identity")) return Encoding::identity;
  return std::nullopt;
}

// How closely a range of Accept meets the type: 0 not at all, 1 "*/*", 2 "type/*", 3 the type itself.
int closeness(std::string_view range, std::string_view type) {
  if (range == "*/*" || range == "*") return 1;
  if (range.ends_with("/*")) {
    range.remove_suffix(1);
    return equals_ignoring_case(range, type.substr(0, range.size())) ? 2 : 0;
  }
  return equals_ignoring_case(range, type) ? 3 : 0;
}

}  // namespace

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::gzip:
      return "gzip";
    case Encoding::deflate:
      return "deflate";
    case Encoding::identity:
      break;
  }
  return "identity";
}

std::optional<Encoding> content_encoding(std::string_view field) {
  return field.empty() ? Encoding::identity : encoding_named(field);
}

Encoding preferred_encoding(std::string_view field) {
  Encoding best = Encoding::identity;
  int best_weight = 0;
  while (!field.empty()) {
    std::string_view item = take_item(field, ',');
    const auto encoding = encoding_named(take_item(item, ';'));
    if (!encoding) continue;
    if (const int w = weight(item); w > best_weight) {
      best = *encoding;
      best_weight = w;
    }
  }
  return best;
}

bool accepts(std::string_view field, std::string_view type) {
  if (field.empty()) return true;
  int closest = 0, its_weight = 0;
  while (!field.empty()) {
    std::string_view item = take_item(field, ',');
    if (const int close = closeness(take_item(item, ';'), type); close > closest) {
      closest = close;
      its_weight = weight(item);
    }
  }
  return its_weight > 0;
}

bool is_media_type(std::string_view field, std::string_view type) {
  if (!equals_ignoring_case(take_item(field, ';'), type)) return false;
  while (!field.empty()) {
    std::string_view parameter = take_item(field, ';');
    if (!equals_ignoring_case(take_item(parameter, '='), "charset")) continue;
    if (parameter.size() > 1 && parameter.front() == '"') parameter = parameter.substr(1, parameter.size() - 2);
    if (!equals_ignoring_case(parameter, "utf-8") && !equals_ignoring_case(parameter, "us-ascii")) return false;
  }
  return true;
}

}  // namespace adze::server
