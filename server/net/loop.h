// The connection layer: one thread on epoll that accepts, frames requests, writes answers, and enforces every limit on
// time, size and number. It blocks on nothing but epoll_wait.
//
// Each connection is registered once, edge-triggered, for both directions. A client that goes away while its request
// is in flight is noticed by EPOLLRDHUP; closing only the sending side looks the same and counts as going away, as in
// nginx and Go, unless the end arrives together with the request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "graph/core/result.h"
#include "server/batch/job.h"
#include "server/http/request.h"
#include "server/metrics.h"

namespace adze::server {

// Names a connection for good: a later connection on the same descriptor has another id.
using ConnectionId = std::uint64_t;

class Handler {
 public:
  virtual ~Handler() = default;
  // A complete request; exactly one Loop::respond() must follow, from here or later. All are called on the loop's
  // thread.
  virtual void on_request(ConnectionId id, const Request& request) = 0;
  // A head whose client asks whether to send the body, of which nothing is here yet: the answer if it isn't wanted.
  virtual std::optional<std::string> refuse_body(const Request&) { return std::nullopt; }
  // The client of an unanswered request is gone; respond() for it will be ignored.
  virtual void on_disconnect(ConnectionId id) = 0;
  // After each round of events: the requests of one round are best handed on together. `partial` requests have begun to
  // arrive a moment ago; those of a slow client don't count.
  virtual void on_round_end(std::size_t partial) = 0;
  // When on_deadline() should be called at the latest.
  virtual std::optional<Clock::time_point> next_deadline() const = 0;
  virtual void on_deadline(Clock::time_point now) = 0;
};

struct LoopOptions {
  std::string host = "127.0.0.1";
  int port = 8000;  // 0: any free one
  std::size_t max_connections = 16384;
  std::chrono::seconds head_timeout{10}, body_timeout{30}, write_timeout{30}, idle_timeout{60};
  std::chrono::milliseconds drain_grace{1000};  // for requests that have begun to arrive when a drain begins
  Limits limits;
};

class Loop {
 public:
  Loop(const LoopOptions& options, Handler& handler, ConnectionMetrics& metrics);
  ~Loop();

  // Binds and listens. Error bad_input when the address can't be had.
  Result<void> listen();
  int port() const { return port_; }
  const Limits& limits() const { return options_.limits; }

  // Serves until stop() or the end of a drain.
  void run();

  // From any thread: runs f on the loop's thread, between rounds.
  void post(std::function<void()> f);
  // From within on_request(): the request's body, to keep.
  Body take_body(ConnectionId id);
  // From the loop's thread: the answer of a request, and whether to close after it.
  void respond(ConnectionId id, std::string bytes, bool close);
  // After run() has returned: forgets what was posted and never ran.
  void discard_posted();
  // From the loop's thread: stops accepting, closes idle connections at once and others after their answer; run()
  // returns when none is left. Requests that have begun to arrive get drain_grace to do so.
  void drain();
  bool draining() const { return draining_; }
  // From any thread, also a signal handler's self-pipe: run() returns at once.
  void stop();

 private:
  struct Connection;

  void accept_all();
  void wake();
  void run_posted();
  void on_event(Connection& c, std::uint32_t events);
  void advance(Connection& c);
  bool read_some(Connection& c);
  void flush(Connection& c);
  void refuse(Connection& c);
  void answer_and_linger(Connection& c);
  void close(Connection& c);
  void note_partial(Connection& c);
  void give_up_slow(Clock::time_point now);
  void sweep(Clock::time_point now);
  int timeout_ms() const;
  Connection* find(ConnectionId id);

  const LoopOptions options_;
  Handler& handler_;
  ConnectionMetrics& metrics_;
  int listener_ = -1, epoll_ = -1, event_ = -1, reserve_ = -1, port_ = 0;
  bool accepting_ = false, draining_ = false;
  std::atomic<bool> stopped_{false}, asleep_{false};
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::uint32_t> free_;
  std::vector<ConnectionId> resumed_;
  std::deque<std::pair<ConnectionId, Clock::time_point>> begun_;  // whose requests became partial, and when
  std::size_t open_ = 0, partial_ = 0;
  Clock::time_point next_sweep_{}, drain_end_{};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace adze::server
