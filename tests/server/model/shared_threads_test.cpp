// Turns on the one thread budget.
#include "server/model/shared_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace adze::server {
namespace {

using namespace std::chrono_literals;

TEST(SharedThreads, NeverMoreThanTheBudgetAtOnce) {
  SharedThreads shared(3);
  std::atomic<int> busy{0}, most{0}, wide{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; i++) {
        const auto turn = shared.take(t == 0);
        if (turn.held() == 0) continue;  // it ran out of patience, and runs beside the budget
        const int now = busy += turn.held();
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        if (turn.held() == 3) wide++;
        std::this_thread::yield();
        busy -= turn.held();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_EQ(wide, 100);  // those on all threads are not starved, and never go ahead
}

TEST(SharedThreads, OneThreadDoesNotWaitLongForALongRun) {
  SharedThreads shared(2);
  const auto all = shared.take(true);
  EXPECT_EQ(all.held(), 2);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(shared.take(false).held(), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, SharedThreads::kPatience);
}

TEST(SharedThreads, ARunOnAllWaitsForThoseBeforeIt) {
  SharedThreads shared(2);
  struct Held {
    SharedThreads::Turn turn;
  };
  std::unique_ptr<Held> one(new Held{shared.take(false)});
  std::atomic<bool> got{false};
  std::thread other([&] {
    const auto all = shared.take(true);
    got = true;
  });
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(got);
  one.reset();
  other.join();
  EXPECT_TRUE(got);
}

}  // namespace
}  // namespace adze::server
