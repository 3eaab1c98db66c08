// ThreadPool: the threads of an engine. run() wakes them once; between the steps of one inference they meet at spin
// barriers, and park again soon after the answer.
#pragma once

#include <functional>
#include <memory>

namespace adze {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;
  // Calls work(context, part) on every thread at once, part 0 on the caller; returns when all have.
  void run(void (*work)(void* context, int part), void* context);
  // Inside run(): waits until all threads are here.
  void barrier();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace adze
