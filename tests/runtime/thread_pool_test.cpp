#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
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

}  // namespace
}  // namespace adze
