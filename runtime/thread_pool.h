// ThreadPool: the threads of an engine. run() wakes them once; between the steps of one inference they meet at spin
// barriers, and park again soon after the answer.
#pragma once

#include <functional>
#include <memory>

namespace adze {

// Threads of someone else. `run` calls work(argument, part) for each part in [0, parts), each on a thread of its own at
// the same time, and returns when all have.
struct ThreadSource {
  void (*run)(void* context, int parts, void (*work)(void* argument, int part), void* argument) = nullptr;
  void* context = nullptr;
};

class ThreadPool {
 public:
  // Starts threads that block all signals, or none where `source` has a function. Throws std::system_error where the
  // system grants no more threads.
  explicit ThreadPool(int threads, const ThreadSource& source = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;
  // Calls work(context, part) on every thread at once, part 0 on the caller unless there is a source; returns when all
  // have.
  void run(void (*work)(void* context, int part), void* context);
  // Inside run(): waits until all threads are here.
  void barrier();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace adze
