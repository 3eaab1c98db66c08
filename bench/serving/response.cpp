#include "bench/serving/response.h"

#include <algorithm>
#include <charconv>

namespace adze::bench {
namespace {

constexpr std::size_t kHeadBytes = 64 << 10;

bool is_name(std::string_view text, std::string_view name) {
  return text.size() == name.size() && std::equal(text.begin(), text.end(), name.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a | 32 : a) == b;
         });
}

}  // namespace

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  if (!in_body_) {
    const std::size_t before = head_.size();
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == head_.npos) return head_.size() > kHeadBytes ? State::broken : State::partial;
    bytes.remove_prefix(end + 4 - before);
    head_.resize(end + 2);
    if (!read_head()) return State::broken;
    in_body_ = true;
  }
  // One request is in flight, so nothing may follow its answer.
  if (bytes.size() > body_left_) return State::broken;
  body_left_ -= bytes.size();
  return body_left_ == 0 ? State::complete : State::partial;
}

bool ResponseReader::read_head() {
  if (!head_.starts_with("HTTP/1.") || head_.size() < 14) return false;
  std::from_chars(head_.data() + 9, head_.data() + 12, status_);
  bool has_length = false;
  for (std::size_t at = head_.find("\r\n") + 2; at < head_.size();) {
    const std::size_t end = head_.find("\r\n", at);
    const std::string_view line(head_.data() + at, end - at);
    at = end + 2;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (is_name(name, "content-length")) {
      has_length = std::from_chars(value.data(), value.data() + value.size(), body_left_).ec == std::errc();
    } else if (is_name(name, "connection")) {
      closes_ = is_name(value, "close");
    }
  }
  return has_length && status_ >= 200;
}

}  // namespace adze::bench
