// The one thread budget that all served models run on: a pool of that many threads, and turns on it, first come first
// served. A plan that shares its steps takes all threads, any other takes one.
//
// A run of one thread that has waited for kPatience goes ahead outside the budget: next to a long run the system's
// scheduler shares the processor more fairly than a queue would.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>

#include "runtime/thread_pool.h"

namespace adze::server {

class SharedThreads {
 public:
  static constexpr std::chrono::microseconds kPatience{1000};

  explicit SharedThreads(int threads)
      : threads_(threads), free_(threads), pool_(std::make_shared<ThreadPool>(threads)) {}

  // Sessions on it may run only during a turn on all threads, or use no more than the calling thread.
  const std::shared_ptr<ThreadPool>& pool() const { return pool_; }
  int threads() const { return threads_; }

  class Turn {
   public:
    Turn(SharedThreads& shared, int held) : shared_(&shared), held_(held) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { shared_->give_back(held_); }
    int held() const { return held_; }

   private:
    SharedThreads* shared_;
    int held_;
  };
  // Waits for all threads, or for one.
  Turn take(bool all);

 private:
  struct Waiter {
    int need;
    bool granted = false;
  };
  void grant();
  void give_back(int held);

  const int threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  int free_;
  std::list<Waiter> waiting_;
  const std::shared_ptr<ThreadPool> pool_;
};

}  // namespace adze::server
