// One HTTP/1.1 request, framed strictly after RFC 9112 under hard limits. No sockets here: bytes in, requests out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/fields.h"

namespace adze::server {

struct Limits {
  std::size_t head_bytes = 16 << 10;               // 431 above
  std::size_t target_bytes = 4 << 10;              // 414 above
  std::size_t fields = 64;                         // 431 above
  std::size_t body_bytes = std::size_t{64} << 20;  // 413 above
  std::size_t chunks = 65536;                      // 413 above: tiny chunks cost more than they carry
};

struct Field {
  std::string_view name, value;
};

// Views into the parser's buffer, valid until RequestParser::next().
struct Request {
  std::string_view method, target, path, body;
  int minor_version = 1;
  bool keep_alive = true;
  std::array<Field, 64> fields;
  std::size_t field_count = 0;

  // The field's value, or nothing when it is absent. Names compare without case.
  std::string_view field(std::string_view name) const;
};

// A body that has left its parser, without being copied where it came in one piece.
struct Body {
  std::string buffer;
  std::size_t begin = 0;
  std::string_view bytes() const { return std::string_view(buffer).substr(begin); }
};

class RequestParser {
 public:
  enum class State { idle, partial, complete, failed };

  explicit RequestParser(const Limits& limits = {}) : limits_(limits) {}

  // Appends received bytes and goes on parsing.
  State feed(std::string_view bytes);
  // Drops the complete request and goes on with what was sent behind it.
  State next();

  State state() const { return state_; }
  // REQUIRES: state() == complete, or take_continue() was true just now; then there is no body yet
  const Request& request() const { return request_; }
  // Gives the body away; the request's views end with it. REQUIRES: state() == complete, once per request
  Body take_body();
  // REQUIRES: state() == failed. The status to answer with before closing, and why.
  int status() const { return status_; }
  std::string_view reason() const { return reason_; }
  // True once per request that asks for "100 Continue" before it sends its body.
  bool take_continue();
  std::size_t buffered() const { return buffer_.size(); }

 private:
  enum class Step { head, body, chunk_size, chunk_data, chunk_end, trailer };

  State parse();
  bool parse_head();
  void refresh_head();
  bool parse_request_line(std::string_view line);
  bool parse_field(std::string_view line);
  bool parse_framing();
  bool parse_chunks();
  bool fail(int status, std::string_view reason);

  Limits limits_;
  State state_ = State::idle;
  Step step_ = Step::head;
  std::string buffer_;  // from the start of the current request
  std::size_t scanned_ = 0;
  std::size_t head_end_ = 0, cursor_ = 0, body_length_ = 0, chunk_left_ = 0, chunk_count_ = 0, consumed_ = 0;
  std::string chunked_body_;
  bool chunked_ = false, wants_continue_ = false;
  Request request_;
  int status_ = 0;
  std::string_view reason_;
};

}  // namespace adze::server
