#include "server/net/loop.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "server/http/response.h"

namespace adze::server {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kBacklog = 4096;
constexpr std::uint64_t kListener = ~std::uint64_t{0}, kEvent = kListener - 1;
constexpr auto kSweepInterval = std::chrono::milliseconds(500);
// A request that takes longer to arrive isn't worth waiting for: its client is slow, or means to be.
constexpr auto kArrival = std::chrono::milliseconds(2);
// How long what a client still sends after a refusal is thrown away, so that a reset doesn't eat the answer.
constexpr auto kLinger = std::chrono::seconds(1);

std::string reason() { return std::strerror(errno); }

}  // namespace

struct Loop::Connection {
  int fd = -1;
  std::uint32_t slot = 0, generation = 0;
  RequestParser parser;
  std::string out;
  std::size_t written = 0;
  bool in_flight = false, advancing = false, readable = false, close_after = false, half_closed = false,
       lingering = false;
  bool reading = false, counted_partial = false, slow = false;
  Clock::time_point since{};  // of the present state: idle, receiving, writing

  ConnectionId id() const { return static_cast<ConnectionId>(generation) << 32 | slot; }
  bool open() const { return fd >= 0; }
};

Loop::Loop(const LoopOptions& options, Handler& handler, ConnectionMetrics& metrics)
    : options_(options), handler_(handler), metrics_(metrics), buffer_(new char[kReadBytes]) {}

Loop::~Loop() {
  for (const auto& c : connections_) {
    if (c->open()) ::close(c->fd);
  }
  for (const int fd : {listener_, epoll_, event_, reserve_}) {
    if (fd >= 0) ::close(fd);
  }
}

Result<void> Loop::listen() {
  const std::string where = concat(options_.host, ':', options_.port);
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (const int error = getaddrinfo(options_.host.c_str(), std::to_string(options_.port).c_str(), &hints, &found)) {
    return make_error(Code::bad_input, where, ": ", gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  listener_ = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener_ < 0) return make_error(Code::resource_limit, where, ": ", reason());
  // Lets a restart have the port while old connections time out; two servers still can't share it.
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener_, found->ai_addr, found->ai_addrlen) != 0 || ::listen(listener_, kBacklog) != 0) {
    return make_error(Code::bad_input, "cannot listen on ", where, ": ", reason());
  }
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &length);
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                            : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  event_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  reserve_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (epoll_ < 0 || event_ < 0) return make_error(Code::resource_limit, where, ": ", reason());
  epoll_event listen_event{.events = EPOLLIN, .data = {.u64 = kListener}};
  epoll_event wake_event{.events = EPOLLIN | EPOLLET, .data = {.u64 = kEvent}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &listen_event);
  epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &wake_event);
  accepting_ = true;
  return {};
}

Loop::Connection* Loop::find(ConnectionId id) {
  const auto slot = static_cast<std::uint32_t>(id);
  if (slot >= connections_.size()) return nullptr;
  Connection& c = *connections_[slot];
  return c.open() && c.id() == id ? &c : nullptr;
}

void Loop::run() {
  std::vector<epoll_event> events(256);
  next_sweep_ = Clock::now() + kSweepInterval;
  while (!stopped_ && !(draining_ && open_ == 0)) {
    // A poster that sees the flag wakes the loop; one that came before it is seen here.
    asleep_ = true;
    int timeout = timeout_ms();
    {
      const std::lock_guard lock(mutex_);
      if (!posted_.empty() || stopped_) timeout = 0;
    }
    if (!resumed_.empty()) timeout = 0;
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    asleep_ = false;
    run_posted();
    for (int i = 0; i < n; i++) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListener) {
        accept_all();
      } else if (event.data.u64 != kEvent) {
        if (Connection* c = find(event.data.u64)) on_event(*c, event.events);
      }
    }
    std::vector<ConnectionId> resumed;
    resumed.swap(resumed_);
    for (const ConnectionId id : resumed) {
      if (Connection* c = find(id)) advance(*c);
    }
    const auto now = Clock::now();
    give_up_slow(now);
    handler_.on_round_end(partial_);
    if (const auto deadline = handler_.next_deadline(); deadline && *deadline <= now) handler_.on_deadline(now);
    if (now >= next_sweep_) {
      next_sweep_ = now + kSweepInterval;
      sweep(now);
    }
  }
}

int Loop::timeout_ms() const {
  Clock::time_point until = next_sweep_;
  if (const auto deadline = handler_.next_deadline()) until = std::min(until, *deadline);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000));
}

void Loop::wake() {
  if (!asleep_.exchange(false)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);
}

void Loop::post(std::function<void()> f) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(f));
  }
  wake();
}

void Loop::discard_posted() {
  std::vector<std::function<void()>> posted;
  const std::lock_guard lock(mutex_);
  posted.swap(posted_);
}

void Loop::stop() {
  stopped_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);
}

void Loop::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& f : posted) f();
}

void Loop::accept_all() {
  while (accepting_) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if ((errno == EMFILE || errno == ENFILE) && reserve_ >= 0) {
        // Without a descriptor the connection would stay in the backlog and wake this loop for ever: take it with the
        // one kept for this, and hang up.
        ::close(reserve_);
        const int refused = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (refused >= 0) ::close(refused);
        reserve_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
        metrics_.refused.fetch_add(1, std::memory_order_relaxed);
        if (refused >= 0) continue;
      }
      return;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (open_ >= options_.max_connections) {
      std::string out;
      write_response(out, 503, kJson, error_json("too many connections"), false);
      [[maybe_unused]] const ssize_t sent = send(fd, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::close(fd);
      metrics_.refused.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    if (free_.empty()) {
      connections_.push_back(std::make_unique<Connection>());
      connections_.back()->slot = static_cast<std::uint32_t>(connections_.size() - 1);
      free_.push_back(connections_.back()->slot);
    }
    Connection& c = *connections_[free_.back()];
    free_.pop_back();
    const std::uint32_t slot = c.slot, generation = c.generation + 1;
    c = Connection();
    c.fd = fd;
    c.slot = slot;
    c.generation = generation & 0x7fffffff;
    c.parser = RequestParser(options_.limits);
    c.since = Clock::now();
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = c.id()}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      ::close(fd);
      c.fd = -1;
      free_.push_back(slot);
      continue;
    }
    open_++;
    metrics_.open.fetch_add(1, std::memory_order_relaxed);
    metrics_.accepted.fetch_add(1, std::memory_order_relaxed);
  }
}

void Loop::on_event(Connection& c, std::uint32_t events) {
  if (events & EPOLLERR) {
    const ConnectionId id = c.id();
    const bool in_flight = c.in_flight;
    close(c);
    if (in_flight) handler_.on_disconnect(id);
    return;
  }
  const bool was_in_flight = c.in_flight;
  if (events & EPOLLOUT) flush(c);
  if (!c.open()) return;
  if (events & EPOLLIN) c.readable = true;
  if (events & (EPOLLRDHUP | EPOLLHUP)) {
    c.half_closed = true;
    if (was_in_flight) {
      const ConnectionId id = c.id();
      close(c);
      handler_.on_disconnect(id);
      return;
    }
    c.readable = true;
  }
  advance(c);
}

// Reads and frames as far as it goes without waiting; stops while a request is in flight.
void Loop::advance(Connection& c) {
  if (c.advancing) return;
  c.advancing = true;
  while (c.open() && !c.in_flight && !c.close_after) {
    const RequestParser::State state = c.parser.state();
    if (state == RequestParser::State::complete) {
      c.in_flight = true;
      metrics_.in_flight.fetch_add(1, std::memory_order_relaxed);
      handler_.on_request(c.id(), c.parser.request());
      continue;
    }
    if (state == RequestParser::State::failed) {
      refuse(c);
      break;
    }
    if (c.parser.take_continue()) {
      if (const auto refusal = handler_.refuse_body(c.parser.request())) {
        c.out += *refusal;
        answer_and_linger(c);
        break;
      }
      c.out += "HTTP/1.1 100 Continue\r\n\r\n";
      flush(c);
      if (!c.open()) break;
    }
    if (!c.readable || !read_some(c)) break;
  }
  if (c.open() && c.lingering) {
    while (c.readable && c.open() && read_some(c)) {
    }
  }
  c.advancing = false;
  note_partial(c);
}

void Loop::note_partial(Connection& c) {
  const bool partial = c.open() && !c.in_flight && c.parser.state() == RequestParser::State::partial;
  if (partial != c.reading) metrics_.reading.fetch_add(partial ? 1 : -1, std::memory_order_relaxed);
  c.reading = partial;
  if (!partial) c.slow = false;
  const bool counts = partial && !c.slow;
  if (counts == c.counted_partial) return;
  counts ? partial_++ : partial_--;
  c.counted_partial = counts;
  if (counts) begun_.emplace_back(c.id(), c.since);
}

void Loop::give_up_slow(Clock::time_point now) {
  while (!begun_.empty() && now - begun_.front().second >= kArrival) {
    const auto [id, since] = begun_.front();
    begun_.pop_front();
    Connection* c = find(id);
    if (!c || !c->counted_partial || c->since != since) continue;  // it has arrived, and this may be another
    c->slow = true;
    note_partial(*c);
  }
}

// One recv. False when there is nothing more to read now, or the connection is gone.
bool Loop::read_some(Connection& c) {
  const ssize_t n = recv(c.fd, buffer_.get(), kReadBytes, 0);
  if (n > 0) {
    if (c.lingering) return true;
    const bool fresh = c.parser.state() == RequestParser::State::idle;
    if (fresh) c.since = Clock::now();
    c.parser.feed({buffer_.get(), static_cast<std::size_t>(n)});
    if (static_cast<std::size_t>(n) < kReadBytes && !c.half_closed) c.readable = false;
    return true;
  }
  if (n < 0 && errno == EINTR) return true;
  c.readable = false;
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (n == 0 && c.written < c.out.size()) {
    c.close_after = true;  // the client has said all it will, but still reads
    return false;
  }
  close(c);  // the end, or an error: nothing is in flight here
  return false;
}

Body Loop::take_body(ConnectionId id) {
  Connection* c = find(id);
  return c ? c->parser.take_body() : Body();
}

void Loop::respond(ConnectionId id, std::string bytes, bool close_after) {
  Connection* c = find(id);
  if (!c || !c->in_flight) return;
  c->in_flight = false;
  metrics_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (c->out.empty() && bytes.size() > kReadBytes) {
    c->out = std::move(bytes);
  } else {
    c->out += bytes;
  }
  c->since = Clock::now();
  const bool last = close_after || draining_ || (c->half_closed && c->parser.buffered() == 0);
  if (last) {
    c->close_after = true;
  } else {
    c->parser.next();
  }
  flush(*c);
  if (c->open() && !c->advancing && (c->readable || c->parser.state() != RequestParser::State::idle))
    resumed_.push_back(id);
}

void Loop::flush(Connection& c) {
  while (c.written < c.out.size()) {
    const ssize_t n = send(c.fd, c.out.data() + c.written, c.out.size() - c.written, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;  // EPOLLOUT follows
    if (n < 0) return close(c);
    c.written += static_cast<std::size_t>(n);
  }
  c.out.clear();
  c.written = 0;
  if (c.out.capacity() > kReadBytes) std::string().swap(c.out);
  if (!c.close_after || c.in_flight) return;
  if (c.lingering) return;
  close(c);
}

// Answers a framing error.
void Loop::refuse(Connection& c) {
  metrics_.framing_errors.fetch_add(1, std::memory_order_relaxed);
  write_response(c.out, c.parser.status(), kJson, error_json(c.parser.reason()), false);
  answer_and_linger(c);
}

// Sends the last answer. The connection ends when the client has had time to read it.
void Loop::answer_and_linger(Connection& c) {
  c.close_after = c.lingering = true;
  c.since = Clock::now();
  flush(c);
  if (c.open()) shutdown(c.fd, SHUT_WR);
}

void Loop::close(Connection& c) {
  if (!c.open()) return;
  ::close(c.fd);
  c.fd = -1;
  note_partial(c);
  if (c.in_flight) metrics_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  std::string().swap(c.out);
  c.parser = RequestParser(options_.limits);
  free_.push_back(c.slot);
  open_--;
  metrics_.open.fetch_sub(1, std::memory_order_relaxed);
}

void Loop::sweep(Clock::time_point now) {
  for (const auto& owned : connections_) {
    Connection& c = *owned;
    if (!c.open() || c.in_flight) continue;
    const auto age = now - c.since;
    if (draining_ && now >= drain_end_) {
      close(c);  // it has begun a request, or reads its answer, too slowly to be waited for
    } else if (c.lingering) {
      if (age > kLinger) close(c);
    } else if (c.written < c.out.size()) {
      if (age > options_.write_timeout) close(c);
    } else if (c.parser.state() == RequestParser::State::partial) {
      if (age > (c.parser.buffered() > options_.limits.head_bytes ? options_.body_timeout : options_.head_timeout)) {
        write_response(c.out, 408, kJson, error_json("the request did not arrive in time"), false);
        answer_and_linger(c);
      }
    } else if (age > options_.idle_timeout) {
      close(c);
    }
  }
}

void Loop::drain() {
  if (draining_) return;
  accept_all();  // those that wait in the backlog were accepted by the system, and may have sent a request
  draining_ = true;
  drain_end_ = Clock::now() + options_.drain_grace;
  accepting_ = false;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
  ::close(listener_);
  listener_ = -1;
  for (std::size_t i = 0; i < connections_.size(); i++) {
    Connection& c = *connections_[i];
    if (!c.open() || c.in_flight) continue;
    // What has arrived is still read; who has sent nothing is idle.
    c.readable = true;
    advance(c);
    if (c.open() && !c.in_flight && !c.lingering && c.parser.state() == RequestParser::State::idle && c.out.empty())
      close(c);
  }
}

}  // namespace adze::server
