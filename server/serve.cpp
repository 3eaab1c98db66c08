#include "server/serve.h"

#include <pthread.h>
#include <signal.h>

namespace adze::server {

Server::Server(const ServeOptions& options)
    : options_(options), service_(options.service), loop_(options.loop, service_, service_.connections()) {}

Server::~Server() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_all();
  if (drainer_.joinable()) drainer_.join();
  finish();
}

void Server::finish() { service_.finish(); }

Result<void> Server::start() {
  // The address first: a port in use should be told before a large model is loaded.
  ADZE_CHECK(loop_.listen());
  service_.start(loop_, [this](const Result<void>& loaded) {
    loading_.set_value(loaded);  // before the loop ends: run() then asks for it
    if (!loaded) loop_.stop();
  });
  return {};
}

Result<void> Server::run() {
  loop_.run();
  const bool known = loaded_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  return known ? loaded_.get() : Result<void>();
}

void Server::drain() {
  const std::lock_guard lock(mutex_);
  if (drain_started_) return;
  drain_started_ = true;
  loop_.post([this] { service_.begin_drain(); });
  drainer_ = std::thread([this] {
    std::unique_lock wait(mutex_);
    wake_.wait_for(wait, options_.drain_delay, [this] { return ended_; });
    if (!ended_) loop_.post([this] { loop_.drain(); });
  });
}

Result<void> serve(const ServeOptions& options, const std::function<void(int port)>& ready) {
  // Blocked in every thread made from here on; one thread waits for them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);  // ends the waiting thread
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Server server(options);
  ADZE_CHECK(server.start());
  std::thread waiter([&] {
    for (int seen = 0, signal_number = 0; sigwait(&signals, &signal_number) == 0 && signal_number != SIGUSR1;) {
      if (seen++ == 0) {
        server.drain();
      } else {
        server.stop();
      }
    }
  });
  std::thread announcer([&] {
    if (server.wait_ready()) ready(server.port());
  });
  auto outcome = server.run();
  pthread_kill(waiter.native_handle(), SIGUSR1);
  waiter.join();
  server.finish();
  announcer.join();
  return outcome;
}

}  // namespace adze::server
