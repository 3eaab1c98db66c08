#include "server/http/request.h"

#include <algorithm>
#include <utility>

namespace adze::server {
namespace {

constexpr std::size_t kReadAhead = std::size_t{1} << 20;

bool is_token(char c) {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kSymbols.find(c) != kSymbols.npos;
}

// Whether the comma-separated list holds the token.
bool lists(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    if (equals_ignoring_case(take_item(list, ','), token)) return true;
  }
  return false;
}

}  // namespace

std::string_view Request::field(std::string_view name) const {
  for (std::size_t i = 0; i < field_count; i++) {
    if (equals_ignoring_case(fields[i].name, name)) return fields[i].value;
  }
  return {};
}

RequestParser::State RequestParser::feed(std::string_view bytes) {
  if (state_ == State::failed) return state_;
  buffer_.append(bytes);
  return state_ == State::complete ? state_ : parse();
}

RequestParser::State RequestParser::next() {
  buffer_.erase(0, consumed_);
  // An idle connection holds no buffer.
  if (buffer_.empty()) std::string().swap(buffer_);
  std::string().swap(chunked_body_);
  step_ = Step::head;
  state_ = State::idle;
  scanned_ = head_end_ = cursor_ = body_length_ = chunk_left_ = chunk_count_ = consumed_ = 0;
  chunked_ = wants_continue_ = false;
  request_.field_count = 0;
  return parse();
}

Body RequestParser::take_body() {
  if (chunked_) return {std::exchange(chunked_body_, {}), 0};
  // What was sent behind the request stays.
  std::string rest = buffer_.substr(consumed_);
  buffer_.resize(consumed_);
  Body body{std::exchange(buffer_, std::move(rest)), head_end_};
  consumed_ = 0;
  return body;
}

bool RequestParser::take_continue() {
  const bool wanted = wants_continue_ && state_ == State::partial && buffer_.size() == head_end_;
  if (wanted) {
    wants_continue_ = false;
    refresh_head();
  }
  return wanted;
}

// The buffer may have moved since the head was parsed, and its views with it.
void RequestParser::refresh_head() {
  request_.field_count = 0;
  std::size_t begin = 0;
  for (bool first = true;; first = false) {
    const std::size_t end = buffer_.find("\r\n", begin);
    const std::string_view line = std::string_view(buffer_).substr(begin, end - begin);
    if (line.empty()) break;
    first ? parse_request_line(line) : parse_field(line);
    begin = end + 2;
  }
}

bool RequestParser::fail(int status, std::string_view reason) {
  state_ = State::failed;
  status_ = status;
  reason_ = reason;
  return false;
}

RequestParser::State RequestParser::parse() {
  // Empty lines before a request line are allowed (RFC 9112, 2.2).
  while (step_ == Step::head && buffer_.starts_with("\r\n")) {
    buffer_.erase(0, 2);
    scanned_ = 0;
  }
  if (buffer_.empty()) return state_ = State::idle;
  state_ = State::partial;
  if (step_ == Step::head && !parse_head()) return state_;
  if (step_ == Step::body) {
    if (buffer_.size() - head_end_ < body_length_) {
      // Room for what is announced, but not much ahead of what has come: announcing costs a client nothing.
      const std::size_t room = std::max(buffer_.size() * 2, kReadAhead);
      if (buffer_.capacity() < head_end_ + body_length_) buffer_.reserve(std::min(head_end_ + body_length_, room));
      return state_;
    }
    request_.body = std::string_view(buffer_).substr(head_end_, body_length_);
    consumed_ = head_end_ + body_length_;
  } else if (!parse_chunks()) {
    return state_;
  } else {
    request_.body = chunked_body_;
    consumed_ = cursor_;
  }
  refresh_head();
  return state_ = State::complete;
}

// True when the head is complete and well-formed.
bool RequestParser::parse_head() {
  const std::string_view text = buffer_;
  for (; scanned_ < text.size(); scanned_++) {
    const char c = text[scanned_];
    if (c == '\n' && (scanned_ == 0 || text[scanned_ - 1] != '\r')) return fail(400, "a line ends without CR");
    if (c == '\0') return fail(400, "the head holds a NUL");
    if (scanned_ >= limits_.head_bytes) return fail(431, "the head is too large");
    if (c == '\n' && scanned_ >= 3 && text.substr(scanned_ - 3, 4) == "\r\n\r\n") break;
  }
  if (scanned_ == text.size()) {
    // A target that never ends should be told as such.
    const std::size_t line_end = text.find("\r\n");
    if (line_end == text.npos && text.size() > limits_.target_bytes + 32) return fail(414, "the target is too long");
    return false;
  }
  head_end_ = scanned_ + 1;
  std::size_t begin = 0;
  for (bool first = true;; first = false) {
    const std::size_t end = text.find("\r\n", begin);
    const std::string_view line = text.substr(begin, end - begin);
    if (line.empty()) break;
    if (!(first ? parse_request_line(line) : parse_field(line))) return false;
    begin = end + 2;
  }
  return parse_framing();
}

bool RequestParser::parse_request_line(std::string_view line) {
  const std::size_t first = line.find(' '), second = line.rfind(' ');
  if (first == line.npos || first == second) return fail(400, "the request line is malformed");
  request_.method = line.substr(0, first);
  request_.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (request_.method.empty() || !std::ranges::all_of(request_.method, is_token))
    return fail(400, "the method is malformed");
  if (request_.target.size() > limits_.target_bytes) return fail(414, "the target is too long");
  const bool clean = std::ranges::all_of(request_.target, [](char c) { return c > 0x20 && c < 0x7f; });
  if (request_.target.empty() || !clean || (request_.target.front() != '/' && request_.target != "*")) {
    return fail(400, "the target is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") ? fail(505, "the HTTP version is not supported")
                                        : fail(400, "the request line is malformed");
  }
  request_.minor_version = version.back() - '0';
  request_.path = request_.target.substr(0, std::min(request_.target.find('?'), request_.target.size()));
  return true;
}

bool RequestParser::parse_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (line.front() == ' ' || line.front() == '\t') return fail(400, "a field is folded over lines");
  if (colon == line.npos || colon == 0) return fail(400, "a field has no name");
  const std::string_view name = line.substr(0, colon);
  if (!std::ranges::all_of(name, is_token)) return fail(400, "a field name is malformed");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (std::ranges::any_of(value, [](char c) { return (c < 0x20 && c >= 0 && c != '\t') || c == 0x7f; })) {
    return fail(400, "a field value holds a control character");
  }
  if (request_.field_count == std::min(limits_.fields, request_.fields.size()))
    return fail(431, "there are too many fields");
  request_.fields[request_.field_count++] = {name, value};
  return true;
}

// Who decides where the body ends must be beyond doubt: anything ambiguous is a smuggling attempt (RFC 9112, 6.3).
bool RequestParser::parse_framing() {
  std::size_t hosts = 0, lengths = 0, encodings = 0;
  std::string_view length, encoding, connection;
  for (std::size_t i = 0; i < request_.field_count; i++) {
    const Field& field = request_.fields[i];
    if (equals_ignoring_case(field.name, "host")) {
      hosts++;
    } else if (equals_ignoring_case(field.name, "content-length")) {
      lengths++;
      length = field.value;
    } else if (equals_ignoring_case(field.name, "transfer-encoding")) {
      encodings++;
      encoding = field.value;
    } else if (equals_ignoring_case(field.name, "connection")) {
      connection = field.value;
    } else if (equals_ignoring_case(field.name, "expect") && request_.minor_version == 1) {
      if (field.value.empty()) continue;  // expects nothing
      if (!equals_ignoring_case(field.value, "100-continue")) return fail(417, "the expectation is not supported");
      wants_continue_ = true;
    }
  }
  if (hosts > 1 || (hosts == 0 && request_.minor_version == 1)) return fail(400, "there must be one Host field");
  if (lengths > 1 || encodings > 1 || (lengths && encodings)) return fail(400, "the body's length is ambiguous");
  if (encodings && request_.minor_version == 0) return fail(400, "HTTP/1.0 has no transfer encodings");
  if (encodings && !equals_ignoring_case(encoding, "chunked"))
    return fail(501, "the transfer encoding is not supported");
  if (lengths) {
    const auto parsed = parse_digits(length);
    if (!parsed) return fail(400, "Content-Length is malformed");
    body_length_ = *parsed;
  }
  if (body_length_ > limits_.body_bytes) return fail(413, "the body is too large");
  request_.keep_alive = request_.minor_version == 1 ? !lists(connection, "close") : lists(connection, "keep-alive");
  chunked_ = encodings == 1;
  step_ = chunked_ ? Step::chunk_size : Step::body;
  cursor_ = head_end_;
  return true;
}

// True when the last chunk and the trailer are through.
bool RequestParser::parse_chunks() {
  while (true) {
    const std::string_view rest = std::string_view(buffer_).substr(cursor_);
    if (step_ == Step::chunk_data) {
      const std::size_t n = std::min(chunk_left_, rest.size());
      chunked_body_.append(rest.substr(0, n));
      cursor_ += n;
      chunk_left_ -= n;
      if (chunk_left_) break;
      step_ = Step::chunk_end;
      continue;
    }
    if (step_ == Step::chunk_end) {
      if (rest.size() < 2) break;
      if (!rest.starts_with("\r\n")) return fail(400, "a chunk doesn't end where its size says");
      cursor_ += 2;
      step_ = Step::chunk_size;
      continue;
    }
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) {
      if (rest.size() > 1024) return fail(400, "a chunk's head is too long");
      break;
    }
    if (end == 0 || rest[end - 1] != '\r') return fail(400, "a line ends without CR");
    const std::string_view line = rest.substr(0, end - 1);
    cursor_ += end + 1;
    if (step_ == Step::trailer) {
      if (line.empty()) return true;
      if (++chunk_count_ > limits_.chunks) return fail(431, "there are too many trailer fields");
      continue;
    }
    std::string_view extensions = line;
    const auto size = parse_digits(take_item(extensions, ';'), 16);
    if (!size) return fail(400, "a chunk size is malformed");
    chunk_left_ = *size;
    if (++chunk_count_ > limits_.chunks) return fail(413, "there are too many chunks");
    if (chunk_left_ > limits_.body_bytes - chunked_body_.size()) return fail(413, "the body is too large");
    step_ = chunk_left_ ? Step::chunk_data : Step::trailer;
  }
  // What has been copied out needn't be kept: the buffer stays as small as one read.
  buffer_.erase(head_end_, cursor_ - head_end_);
  cursor_ = head_end_;
  return false;
}

}  // namespace adze::server
