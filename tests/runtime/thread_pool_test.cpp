#include "runtime/thread_pool.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>
#include <vector>

namespace adze {
namespace {

TEST(ThreadPool, EveryPartRunsOncePerRun) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> counts(static_cast<std::size_t>(threads));
    for (int run = 0; run < 200; run++) {
      pool.run(
          [](void* context, int part) { (*static_cast<decltype(&counts)>(context))[static_cast<std::size_t>(part)]++; },
          &counts);
      for (const auto& count : counts) ASSERT_EQ(count, run + 1);
    }
  }
}

TEST(ThreadPool, NobodyPassesABarrierBeforeAllAreThere) {
  constexpr int kThreads = 4, kRounds = 100;
  ThreadPool pool(kThreads);
  struct Context {
    ThreadPool* pool;
    std::atomic<int> arrived{0};
    std::atomic<int> early{0};
  } context{&pool, {}, {}};
  pool.run(
      [](void* erased, int) {
        auto& c = *static_cast<Context*>(erased);
        for (int round = 1; round <= kRounds; round++) {
          c.arrived++;
          c.pool->barrier();
          if (c.arrived < round * kThreads) c.early++;
          c.pool->barrier();
        }
      },
      &context);
  EXPECT_EQ(context.arrived, kThreads * kRounds);
  EXPECT_EQ(context.early, 0);
}

TEST(ThreadPool, ItsThreadsBlockSignalsAndTheCallerDoesNot) {
  ThreadPool pool(2);
  std::atomic<int> blocked[2] = {};
  pool.run(
      [](void* context, int part) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        static_cast<std::atomic<int>*>(context)[part] = sigismember(&mask, SIGTERM) + 2 * sigismember(&mask, SIGSEGV);
      },
      blocked);
  EXPECT_EQ(blocked[0], 0);
  EXPECT_EQ(blocked[1], 1);
}

TEST(ThreadPool, RunsOnTheThreadsOfASource) {
  int runs = 0;
  const ThreadSource source{[](void* context, int parts, void (*work)(void*, int), void* argument) {
                              ++*static_cast<int*>(context);
                              std::vector<std::thread> threads;
                              for (int part = 0; part < parts; part++) threads.emplace_back(work, argument, part);
                              for (std::thread& thread : threads) thread.join();
                            },
                            &runs};
  ThreadPool pool(3, source);
  struct Context {
    ThreadPool* pool;
    std::atomic<int> arrived{0}, early{0};
  } context{&pool, {}, {}};
  for (int run = 1; run <= 3; run++) {
    context.arrived = 0;
    pool.run(
        [](void* erased, int) {
          auto& c = *static_cast<Context*>(erased);
          c.arrived++;
          c.pool->barrier();
          if (c.arrived < 3) c.early++;
        },
        &context);
    EXPECT_EQ(context.arrived, 3);
    EXPECT_EQ(runs, run);
  }
  EXPECT_EQ(context.early, 0);
}

}  // namespace
}  // namespace adze
