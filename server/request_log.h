// A line of JSON for each inference request, for whoever collects logs. Writing never holds up the loop: lines go to a
// thread of their own, and are dropped and counted while more of them wait than kMaxWaiting bytes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "graph/core/result.h"

namespace adze::server {

struct RequestLine {
  std::string_view model, version, id, traceparent;
  std::string_view error;  // as the client was told: a JSON string
  int status = 0;          // 0: the client went away
  std::int64_t rows = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::int64_t queue_us = -1, compute_us = -1, total_us = 0;  // -1: it didn't come that far
};

// The field's value when it is a traceparent as the W3C's Trace Context says, else nothing.
std::string_view valid_traceparent(std::string_view value);

class RequestLog {
 public:
  static constexpr std::size_t kMaxWaiting = 4 << 20;

  // "-" is stderr. Lines are appended.
  static Result<std::unique_ptr<RequestLog>> open(const std::string& path);
  ~RequestLog();  // writes what waits

  void write(const RequestLine& line);

 private:
  explicit RequestLog(int fd, bool owned);
  void loop();

  const int fd_;
  const bool owned_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  std::uint64_t dropped_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

// One line, without its end.
std::string to_json(const RequestLine& line, std::string_view time);

}  // namespace adze::server
