// Raises a session's cancel flag once a run's deadline has passed.
//
// A thread sleeps until the earliest deadline that it has seen. Runs that end in time leave it asleep: arming and
// disarming are then a few atomic operations, without a lock or a system call.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "kernels/core/cancel.h"

namespace adze::c {

class DeadlineWatch {
 public:
  // Throws std::system_error where the system grants no thread.
  explicit DeadlineWatch(CancelFlag& flag);
  ~DeadlineWatch();
  DeadlineWatch(const DeadlineWatch&) = delete;
  DeadlineWatch& operator=(const DeadlineWatch&) = delete;

  static std::int64_t now();  // nanoseconds of the monotonic clock
  // REQUIRES: at > 0; not armed
  void arm(std::int64_t at);
  // Whether the flag was raised. From here on it isn't.
  bool disarm();

 private:
  void loop();

  CancelFlag& flag_;
  std::atomic<std::int64_t> deadline_;  // or one of the states in deadline.cpp
  std::atomic<std::int64_t> wakes_at_;  // when the thread looks again by itself
  std::atomic<bool> stop_{false};
  sem_t wake_;
  std::thread thread_;
};

}  // namespace adze::c
