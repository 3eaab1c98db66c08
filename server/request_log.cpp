#include "server/request_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "server/http/response.h"

namespace adze::server {
namespace {

// "2026-01-31T12:34:56.789012Z"
std::string now_text() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[40];
  const std::size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string micro = std::to_string(1'000'000 + now.tv_nsec / 1000);
  return concat(std::string_view(text, length), '.', micro.substr(1), 'Z');
}

}  // namespace

std::string_view valid_traceparent(std::string_view value) {
  const auto hex = [&](std::size_t from, std::size_t count) {
    const std::string_view part = value.substr(from, count);
    return std::ranges::all_of(part, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  };
  const auto zero = [&](std::size_t from, std::size_t count) {
    return value.substr(from, count).find_first_not_of('0') == value.npos;
  };
  // version 2, trace id 32, parent id 16, flags 2
  if (value.size() != 55 || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  if (!hex(0, 2) || !hex(3, 32) || !hex(36, 16) || !hex(53, 2)) return {};
  if (value.substr(0, 2) == "ff" || zero(3, 32) || zero(36, 16)) return {};
  return value;
}

std::string to_json(const RequestLine& line, std::string_view time) {
  std::string out = concat("{\"time\":\"", time, "\",\"status\":", line.status);
  const auto text = [&](const char* key, std::string_view value) {
    if (!value.empty()) out += concat(",\"", key, "\":", json_string(value));
  };
  const auto number = [&](const char* key, std::int64_t value) {
    if (value >= 0) out += concat(",\"", key, "\":", value);
  };
  text("model", line.model);
  text("version", line.version);
  text("id", line.id);
  text("traceparent", line.traceparent);
  number("rows", line.rows);
  out += concat(",\"bytes_in\":", line.bytes_in, ",\"bytes_out\":", line.bytes_out);
  number("queue_us", line.queue_us);
  number("compute_us", line.compute_us);
  number("total_us", line.total_us);
  if (!line.error.empty()) out += concat(",\"error\":", line.error);
  return out + "}";
}

Result<std::unique_ptr<RequestLog>> RequestLog::open(const std::string& path) {
  if (path == "-") return std::unique_ptr<RequestLog>(new RequestLog(STDERR_FILENO, false));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return make_error(Code::bad_input, path, ": ", std::strerror(errno));
  return std::unique_ptr<RequestLog>(new RequestLog(fd, true));
}

RequestLog::RequestLog(int fd, bool owned) : fd_(fd), owned_(owned) {
  // Signals are for the threads of whoever handles them; a new thread inherits what is blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

RequestLog::~RequestLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (owned_) ::close(fd_);
}

void RequestLog::write(const RequestLine& line) {
  const std::string text = to_json(line, now_text());
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + text.size() > kMaxWaiting) {
      dropped_++;
      return;
    }
    wake = waiting_.empty();
    if (dropped_) waiting_ += concat("{\"time\":\"", now_text(), "\",\"dropped\":", dropped_, "}\n");
    dropped_ = 0;
    waiting_ += text;
    waiting_ += '\n';
  }
  if (wake) wake_.notify_one();
}

void RequestLog::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::string text;
    text.swap(waiting_);
    lock.unlock();
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;  // a full disk must not end the service
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    lock.lock();
  }
}

}  // namespace adze::server
