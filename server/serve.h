// The whole server: `adze serve`, and what tests start in their own process.
#pragma once

#include <functional>
#include <future>
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

  // Listens, and begins to load the models. Requests are answered once run() is called.
  Result<void> start();
  int port() const { return loop_.port(); }
  // Serves until drain() or stop(). An error when the models couldn't be loaded.
  Result<void> run();
  // From any other thread, after start(): waits until the models are ready.
  Result<void> wait_ready() { return loaded_.get(); }
  // From any thread: turns unready at once, serves on for drain_delay, then answers what was accepted and ends.
  void drain();
  // After run(): completes what the queues hold and lets go of the models. The destructor does so too.
  void finish();
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
  std::promise<Result<void>> loading_;
  const std::shared_future<Result<void>> loaded_ = loading_.get_future().share();
};

// Serves until SIGTERM or SIGINT, which drain; a second one ends at once. `ready` is told the port
// once the models are.
Result<void> serve(const ServeOptions& options, const std::function<void(int port)>& ready);

}  // namespace adze::server
