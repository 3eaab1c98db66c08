#include "graph/plan/sharing.h"

#include <gtest/gtest.h>

namespace adze {
namespace {

const StepCost kTiny{1e3, 1e3, 100}, kBig{10e6, 1e6, 100}, kWide{1e3, 10e6, 100};

TEST(ShareSteps, BigStepsByWorkOrByBytes) {
  const StepCost steps[] = {kBig, kTiny, kWide};
  EXPECT_EQ(share_steps(steps, 4), (std::vector<int>{4, 1, 4}));
}

TEST(ShareSteps, NoMoreThanThreadsOrParts) {
  const StepCost steps[] = {{10e6, 1e6, 3}, {10e6, 1e6, 1}, {10e6, 1e6, 0}};
  EXPECT_EQ(share_steps(steps, 8), (std::vector<int>{3, 1, 1}));
  EXPECT_EQ(share_steps(steps, 2), (std::vector<int>{2, 1, 1}));
  EXPECT_EQ(share_steps(steps, 1), (std::vector<int>{1, 1, 1}));
}

// A 64-256-256-1 MLP takes a few microseconds: two threads would only wait for each other.
TEST(ShareSteps, SmallModelsStayOnOneThread) {
  const StepCost steps[] = {{32768, 68e3, 64}, {131072, 265e3, 64}, {512, 2e3, 1}};
  EXPECT_EQ(share_steps(steps, 2), (std::vector<int>{1, 1, 1}));
}

// The same step many times is worth waking the others for.
TEST(ShareSteps, ManySmallStepsPayTogether) {
  const std::vector<StepCost> steps(20, StepCost{240e3, 0, 64});
  EXPECT_EQ(share_steps(steps, 2), std::vector<int>(20, 2));
  EXPECT_EQ(share_steps(std::span(steps).first(5), 2), std::vector<int>(5, 1));
}

// Tuning knows better than the estimate,
TEST(ShareSteps, WhatIsAskedForHolds) {
  const StepCost steps[] = {{32768, 68e3, 64, 2}, {10e6, 1e6, 64, 1}, {10e6, 1e6, 2, 4}};
  EXPECT_EQ(share_steps(steps, 4), (std::vector<int>{2, 1, 2}));
  EXPECT_EQ(share_steps(steps, 1), (std::vector<int>{1, 1, 1}));
}

// but not whether a run has to wake the others: no plan takes more threads, and so more scratch, for being tuned.
TEST(ShareSteps, NothingThatIsAskedForWakesTheOthers) {
  const StepCost steps[] = {{32768, 68e3, 64, 2}, {131072, 265e3, 64, 2}, {512, 2e3, 1}};
  EXPECT_EQ(share_steps(steps, 2), (std::vector<int>{1, 1, 1}));
}

TEST(ShareSteps, Nothing) { EXPECT_TRUE(share_steps({}, 4).empty()); }

}  // namespace
}  // namespace adze
