// As much of HTTP/1.1 as a load generator reads: where an answer ends, and its status.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace adze::bench {

class ResponseReader {
 public:
  enum class State { partial, complete, broken };

  State feed(std::string_view bytes);
  // REQUIRES: complete
  int status() const { return status_; }
  bool closes() const { return closes_; }
  void reset() { *this = ResponseReader(); }

 private:
  bool read_head();

  std::string head_;  // until the body begins
  std::size_t body_left_ = 0;
  int status_ = 0;
  bool in_body_ = false, closes_ = false;
};

}  // namespace adze::bench
