// The whole server: `adze serve`, and what tests start in their own process.
#pragma once

#include <functional>
#include <memory>

#include "server/net/loop.h"
#include "server/service.h"

namespace adze::server {

struct ServeOptions {
  LoopOptions loop;
  ServiceOptions service;
  std::chrono::milliseconds drain_delay{0};
};

class Server {
 public:
  explicit Server(const ServeOptions& options);
  ~Server();

  // Loads the models and listens. Requests are served once run() is called.
  Result<void> start();
  int port() const { return loop_.port(); }
  // Serves until drain() or stop().
  void run();
  // From any thread: turns unready at once, serves on for drain_delay, then answers what was accepted and ends.
  void drain();
  // From any thread: ends now.
  void stop() { loop_.stop(); }

 private:
  const ServeOptions options_;
  Service service_;
  Loop loop_;
  std::thread drainer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool drain_started_ = false, ended_ = false;
};

// Serves until SIGTERM or SIGINT, which drain; a second one ends at once. `ready` is told the port.
Result<void> serve(const ServeOptions& options, const std::function<void(int port)>& ready);

}  // namespace adze::server
