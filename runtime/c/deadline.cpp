#include "runtime/c/deadline.h"

#include <chrono>
#include <ctime>
#include <limits>

#include "runtime/signals.h"

namespace adze::c {
namespace {

// States in place of a deadline, all below any.
constexpr std::int64_t kIdle = 0, kFiring = -1, kFired = -2;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

DeadlineWatch::DeadlineWatch(CancelFlag& flag) : flag_(flag), deadline_(kIdle), wakes_at_(kNever) {
  sem_init(&wake_, 0, 0);
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { loop(); });
}

DeadlineWatch::~DeadlineWatch() {
  stop_ = true;
  sem_post(&wake_);
  thread_.join();
  sem_destroy(&wake_);
}

std::int64_t DeadlineWatch::now() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void DeadlineWatch::arm(std::int64_t at) {
  deadline_ = at;
  if (at < wakes_at_) sem_post(&wake_);
}

bool DeadlineWatch::disarm() {
  std::int64_t state = deadline_;
  while (state != kFired) {
    if (state == kFiring) {
      std::this_thread::yield();
      state = deadline_;
    } else if (deadline_.compare_exchange_weak(state, kIdle)) {
      return false;
    }
  }
  deadline_ = kIdle;
  return true;
}

void DeadlineWatch::loop() {
  while (!stop_) {
    std::int64_t at = deadline_;
    if (at > 0 && now() >= at) {
      if (!deadline_.compare_exchange_strong(at, kFiring)) continue;
      flag_.request();
      deadline_ = kFired;
    }
    const std::int64_t wakes_at = at > 0 && deadline_ == at ? at : kNever;
    wakes_at_ = wakes_at;
    // Who armed before this store could not know when the thread wakes.
    const std::int64_t seen = deadline_;
    if (seen > 0 && seen < wakes_at) continue;
    if (wakes_at == kNever) {
      sem_wait(&wake_);
    } else {
      const std::timespec until{static_cast<std::time_t>(wakes_at / 1'000'000'000),
                                static_cast<long>(wakes_at % 1'000'000'000)};
      sem_clockwait(&wake_, CLOCK_MONOTONIC, &until);
    }
  }
}

}  // namespace adze::c
