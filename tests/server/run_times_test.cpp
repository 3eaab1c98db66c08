#include "server/batch/run_times.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

using namespace std::chrono_literals;

TEST(RunTimes, NothingIsKnownBeforeTheFirstRun) {
  const RunTimes times;
  EXPECT_EQ(times.least(1), 0ns);
  EXPECT_EQ(times.mean(1), 0ns);
  EXPECT_EQ(times.most(64), 0ns);
}

TEST(RunTimes, SteadyRunsAreKnownExactly) {
  RunTimes times;
  for (int i = 0; i < 100; i++) times.record(8, 3ms);
  EXPECT_EQ(times.least(8), 3ms);
  EXPECT_EQ(times.mean(8), 3ms);
  EXPECT_LT(times.most(8), 3100us);
}

TEST(RunTimes, OneHeldUpRunDoesNotRaiseTheLeast) {
  RunTimes times;
  times.record(1, 10us);
  times.record(1, 300ms);
  EXPECT_EQ(times.least(1), 10us);
  EXPECT_GT(times.most(1), 300us);
  // Nor does one that is the first of its size for long.
  RunTimes held_up;
  held_up.record(1, 300ms);
  held_up.record(1, 10us);
  EXPECT_EQ(held_up.least(1), 10us);
}

TEST(RunTimes, TheLeastFollowsWhenRunsBecomeSlower) {
  RunTimes times;
  for (int i = 0; i < 20; i++) times.record(1, 1ms);
  for (int i = 0; i < 40; i++) times.record(1, 5ms);
  EXPECT_EQ(times.least(1), 5ms);
}

TEST(RunTimes, UnknownSizesAreLikeTheirNeighbours) {
  RunTimes times;
  times.record(8, 2ms);
  EXPECT_EQ(times.least(5), 2ms);   // the same power of two
  EXPECT_EQ(times.least(64), 2ms);  // the next smaller
  EXPECT_EQ(times.least(1), 2ms);   // the next larger
  times.record(64, 9ms);
  EXPECT_EQ(times.least(64), 9ms);
  EXPECT_EQ(times.least(16), 2ms);
  EXPECT_EQ(times.least(1 << 20), 9ms);
}

TEST(RunTimes, ARunThatWasCalledOffTookAtLeastThatLong) {
  RunTimes times;
  times.called_off(1, 500ms);
  EXPECT_EQ(times.least(1), 500ms);
  times.called_off(1, 5ms);  // says nothing new
  EXPECT_EQ(times.least(1), 500ms);
  times.record(1, 400ms);
  EXPECT_EQ(times.least(1), 400ms);
}

}  // namespace
}  // namespace adze::server
