#include "server/codec/inference_head.h"

#include <algorithm>

#include "server/http/response.h"

namespace adze::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 32);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "/v2/models/NAME[/versions/V]/infer" into its parts.
bool parse_path(std::string_view path, InferenceHead& head) {
  constexpr std::string_view kPrefix = "/v2/models/", kSuffix = "/infer", kVersions = "/versions/";
  if (path == "/predict") return true;
  if (!path.starts_with(kPrefix) || !path.ends_with(kSuffix) || path.size() <= kPrefix.size() + kSuffix.size())
    return false;
  path = path.substr(kPrefix.size(), path.size() - kPrefix.size() - kSuffix.size());
  if (const std::size_t at = path.find(kVersions); at != path.npos) {
    head.version = path.substr(at + kVersions.size());
    path = path.substr(0, at);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (head.version.empty() || !std::ranges::all_of(head.version, is_digit)) return false;
  }
  if (path.empty() || path.find('/') != path.npos) return false;
  head.route = Route::infer;
  head.model = percent_decoded(path);
  return true;
}

// What curl -d says when it isn't told is taken for JSON too.
bool is_known_type(std::string_view field, Route route) {
  return field.empty() || is_media_type(field, kJson) || is_media_type(field, "application/x-www-form-urlencoded") ||
         (route == Route::infer && is_media_type(field, kBinary));
}

void refuse(InferenceHead& head, int status, std::string reason, std::string_view fields = {}) {
  if (head.refusal) return;
  head.refusal = status;
  head.reason = std::move(reason);
  head.refusal_fields = fields;
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<InferenceHead> inference_head(const Request& request) {
  InferenceHead head;
  if (!parse_path(request.path, head)) return std::nullopt;
  const bool binary_route = head.route == Route::infer;
  for (std::size_t i = 0; i < request.field_count; i++) {
    const auto& [name, value] = request.fields[i];
    if (equals_ignoring_case(name, "content-type")) {
      if (!is_known_type(value, head.route)) {
        refuse(head, 415,
               concat("the content type \"", value, "\" is not supported; use ", kJson,
                      binary_route ? concat(" or ", kBinary) : "", " in UTF-8"));
      }
    } else if (equals_ignoring_case(name, "content-encoding")) {
      const auto encoding = content_encoding(value);
      if (!encoding) {
        refuse(head, 415, concat("the content encoding \"", value, "\" is not supported; use gzip or deflate"),
               "Accept-Encoding: gzip, deflate\r\n");
      } else {
        head.content = *encoding;
      }
    } else if (equals_ignoring_case(name, "accept-encoding")) {
      head.accepted = preferred_encoding(value);
    } else if (equals_ignoring_case(name, "accept")) {
      head.accepts_json = accepts(value, kJson);
      head.accepts_binary = binary_route && accepts(value, kBinary);
      if (!head.accepts_json && !head.accepts_binary) {
        refuse(head, 406,
               concat("nothing that \"", value, "\" accepts can be answered; the answer is ", kJson,
                      binary_route ? concat(", or ", kBinary, " where outputs are asked for as binary data") : ""));
      }
    } else if (equals_ignoring_case(name, "inference-header-content-length")) {
      if (!binary_route) {
        refuse(head, 415, "/predict takes plain JSON; send binary tensors to /v2/models/MODEL/infer");
      } else if (head.json_bytes || !(head.json_bytes = parse_digits(value))) {
        refuse(head, 400, "Inference-Header-Content-Length is malformed");
      }
    }
  }
  return head;
}

}  // namespace adze::server
