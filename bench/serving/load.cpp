#include "bench/serving/load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <random>

#include "bench/serving/response.h"

namespace adze::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using std::chrono::nanoseconds;

constexpr auto kLate = std::chrono::milliseconds(1);
constexpr auto kLastWait = std::chrono::seconds(5);

nanoseconds seconds(double value) { return nanoseconds(static_cast<std::int64_t>(value * 1e9)); }

struct Connection {
  int fd = -1;
  bool busy = false, served = false;
  Time due{};
  std::string_view unsent = {};
  ResponseReader reader = {};
};

class Load {
 public:
  Load(const LoadOptions& options, const std::vector<std::string>& requests)
      : options_(options), requests_(requests), connections_(static_cast<std::size_t>(options.connections)) {}
  ~Load() {
    for (const Connection& c : connections_) {
      if (c.fd >= 0) close(c.fd);
    }
    if (epoll_ >= 0) close(epoll_);
  }

  LoadResult run() {
    prctl(PR_SET_TIMERSLACK, 1);  // else the kernel may put a wake-up off by 50 us
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < connections_.size(); i++) {
      if (!connect(i)) {
        result_.trouble = std::string("connection ") + std::to_string(i) + ": " + std::strerror(errno);
        return std::move(result_);
      }
    }
    const Time start = Clock::now();
    counted_ = start + seconds(options_.warm_up);
    end_ = counted_ + seconds(options_.seconds);
    next_due_ = start;
    for (std::size_t i = connections_.size(); i-- > 0;) free_.push_back(i);
    const double cpu = cpu_seconds();
    while (step()) {
    }
    result_.cpu_seconds = cpu_seconds() - cpu;
    result_.seconds = std::chrono::duration<double>(std::min(Clock::now(), end_) - counted_).count();
    for (const Connection& c : connections_) {
      if (c.busy && c.due >= counted_) result_.unanswered++;
      result_.served_connections += c.served;
    }
    for (const Time due : waiting_) result_.unanswered += due >= counted_;
    return std::move(result_);
  }

 private:
  static double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  }

  bool connect(std::size_t i) {
    Connection& c = connections_[i];
    c = Connection{.served = c.served};
    c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    if (inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr) != 1) {
      errno = EINVAL;
      return false;
    }
    const int on = 1;
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = i}};
    return c.fd >= 0 && ::connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
           setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event) == 0;
  }

  // Sends what is due and reads what has come. False when the load is over.
  bool step() {
    const Time now = Clock::now();
    const bool open = options_.rate > 0;
    if (open) {
      while (next_due_ <= now && next_due_ < end_) {
        fire(next_due_, now);
        next_due_ += gap();
      }
    } else {
      while (!free_.empty() && now < end_) fire(now, now);
    }
    const bool sending = open ? next_due_ < end_ : now < end_;
    if (!sending && free_.size() + abandoned_ == connections_.size() && waiting_.empty()) return false;
    if (now > end_ + kLastWait) return false;
    const Time until = sending && open ? next_due_ : sending ? end_ : end_ + kLastWait;
    const nanoseconds left = std::max(nanoseconds(0), until - now);
    const timespec wait{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    epoll_event events[256];
    const int n = epoll_pwait2(epoll_, events, 256, &wait, nullptr);
    for (int i = 0; i < n; i++) on_event(static_cast<std::size_t>(events[i].data.u64), events[i].events);
    return true;
  }

  nanoseconds gap() {
    if (!options_.poisson) return seconds(1 / options_.rate);
    return seconds(std::exponential_distribution<double>(options_.rate)(random_));
  }

  void fire(Time due, Time now) {
    if (due >= counted_) {
      result_.due++;
      if (!free_.empty() && now - due > kLate) result_.late++;
    }
    if (free_.empty()) {
      waiting_.push_back(due);
      result_.most_waiting = std::max(result_.most_waiting, waiting_.size());
      return;
    }
    const std::size_t i = free_.back();
    free_.pop_back();
    send_on(i, due);
  }

  void send_on(std::size_t i, Time due) {
    Connection& c = connections_[i];
    c.busy = true;
    c.due = due;
    c.unsent = requests_[next_request_++ % requests_.size()];
    c.reader.reset();
    flush(c, i);
  }

  void flush(Connection& c, std::size_t i) {
    while (!c.unsent.empty()) {
      const ssize_t n = send(c.fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) return lose(i);
      c.unsent.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void on_event(std::size_t i, std::uint32_t events) {
    Connection& c = connections_[i];
    if ((events & EPOLLOUT) && c.busy) flush(c, i);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) read_on(i);
  }

  void read_on(std::size_t i) {
    static char buffer[256 << 10];
    while (true) {
      Connection& c = connections_[i];
      const ssize_t n = recv(c.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) return lose(i);
      if (!c.busy) return lose(i);
      const auto state = c.reader.feed({buffer, static_cast<std::size_t>(n)});
      if (state == ResponseReader::State::broken) return lose(i);
      if (state == ResponseReader::State::complete) complete(i);
      if (n < static_cast<ssize_t>(sizeof buffer)) return;
    }
  }

  void complete(std::size_t i) {
    Connection& c = connections_[i];
    if (c.due >= counted_) {
      result_.latency.add(static_cast<std::uint64_t>((Clock::now() - c.due).count()));
      result_.statuses[c.reader.status()]++;
    }
    c.served |= c.reader.status() == 200;
    c.busy = false;
    if (c.reader.closes()) {
      close(c.fd);
      if (!connect(i)) return abandon(i);
    }
    release(i);
  }

  // The connection is gone, with its request if it had one; another one takes its place.
  void lose(std::size_t i) {
    Connection& c = connections_[i];
    const bool was_busy = c.busy;
    if (was_busy && c.due >= counted_) result_.broken++;
    close(c.fd);
    c.fd = -1;
    if (!connect(i)) return abandon(i);
    if (was_busy) release(i);
  }

  // Nobody listens any more.
  void abandon(std::size_t i) {
    Connection& c = connections_[i];
    if (c.fd >= 0) close(c.fd);
    c.fd = -1;
    c.busy = false;
    std::erase(free_, i);
    abandoned_++;
    if (abandoned_ == connections_.size()) end_ = std::min(end_, Clock::now());
  }

  void release(std::size_t i) {
    if (!waiting_.empty()) {
      const Time due = waiting_.front();
      waiting_.pop_front();
      send_on(i, due);
    } else {
      free_.push_back(i);
    }
  }

  const LoadOptions& options_;
  const std::vector<std::string>& requests_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> free_;
  std::deque<Time> waiting_;
  std::mt19937_64 random_{1};
  int epoll_ = -1;
  std::size_t next_request_ = 0, abandoned_ = 0;
  Time counted_{}, end_{}, next_due_{};
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const LoadOptions& options, const std::vector<std::string>& requests) {
  return Load(options, requests).run();
}

}  // namespace adze::bench
