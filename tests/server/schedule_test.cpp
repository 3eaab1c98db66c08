// The queue's decisions one by one, at times that the tests choose.
#include "server/batch/schedule.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

using namespace std::chrono_literals;
using Time = Schedule::Time;

constexpr Time kStart = Time(1h);

JobPtr job(std::int64_t rows = 1, std::uint64_t priority = 0, Time deadline = kStart + 10s) {
  auto made = std::make_shared<Job>();
  made->rows = rows;
  made->inputs.emplace_back(static_cast<std::size_t>(rows));
  made->row_shapes.push_back({1});
  made->priority = priority;
  made->deadline = deadline;
  return made;
}

std::vector<JobPtr> members(const Batch& batch) {
  std::vector<JobPtr> jobs;
  for (const Part& part : batch.parts) jobs.push_back(part.job);
  return jobs;
}

// A schedule whose engine can be told to be busy for a time.
struct Scene {
  explicit Scene(const QueueOptions& options) : schedule(options) {}

  JobPtr add(const JobPtr& job) {
    const auto refusal = schedule.submit(job, now);
    EXPECT_FALSE(refusal) << refusal->reason;
    return job;
  }
  std::string refused(const JobPtr& job) {
    const auto refusal = schedule.submit(job, now);
    return refusal ? refusal->reason : "";
  }
  Batch dispatch() {
    Schedule::Next next = schedule.next(now);
    late.insert(late.end(), next.late.begin(), next.late.end());
    wake = next.wake;
    return std::move(next.batch);
  }
  std::vector<JobPtr> run(Batch batch, std::chrono::nanoseconds took, Result<void> result = {}) {
    now += took;
    batch.result = std::move(result);
    return schedule.finish(batch, now);
  }
  // Lets the estimate for batches of this size settle.
  void learn(std::int64_t rows, std::chrono::nanoseconds took) {
    for (int i = 0; i < 40; i++) {
      add(job(rows, 0, Time::max()));
      run(dispatch(), took);
    }
  }

  Schedule schedule;
  Time now = kStart, wake{};
  std::vector<JobPtr> late;
};

TEST(Schedule, AnIdleEngineWaitsForNobody) {
  Scene scene({.max_batch = 64, .max_delay = 10s});
  const auto one = scene.add(job());
  EXPECT_EQ(members(scene.dispatch()), std::vector{one});
}

TEST(Schedule, CompanyThatIsComingIsWaitedForAsLongAsTheDelay) {
  Scene scene({.max_batch = 64, .max_delay = 10ms});
  scene.schedule.set_coming(1);
  const auto one = scene.add(job());
  EXPECT_TRUE(scene.dispatch().parts.empty());
  EXPECT_EQ(scene.wake, kStart + 10ms);
  scene.now += 9ms;
  const auto two = scene.add(job());
  EXPECT_TRUE(scene.dispatch().parts.empty());
  EXPECT_EQ(scene.wake, kStart + 10ms);  // not later because another came: a trickle would never flush
  scene.now += 1ms;
  EXPECT_EQ(members(scene.dispatch()), (std::vector{one, two}));
}

TEST(Schedule, AFullBatchWaitsForNobody) {
  Scene scene({.max_batch = 3, .max_delay = 10s});
  scene.schedule.set_coming(1);
  scene.add(job());
  scene.add(job());
  EXPECT_TRUE(scene.dispatch().parts.empty());
  scene.add(job());
  EXPECT_EQ(scene.dispatch().rows, 3);
}

TEST(Schedule, APreferredSizeWaitsForNobodyAndCutsTheBatch) {
  Scene scene({.max_batch = 64, .max_delay = 10s, .preferred = {4, 8}});
  scene.schedule.set_coming(1);
  for (int i = 0; i < 3; i++) scene.add(job());
  EXPECT_TRUE(scene.dispatch().parts.empty());
  for (int i = 0; i < 8; i++) scene.add(job());
  Batch eight = scene.dispatch();
  EXPECT_EQ(eight.rows, 8);
  scene.run(std::move(eight), 1ms);
  EXPECT_TRUE(scene.dispatch().parts.empty());  // three wait for a fourth
  scene.schedule.set_coming(0);
  EXPECT_EQ(scene.dispatch().rows, 3);
}

TEST(Schedule, ARequestLargerThanThePreferredSizeStillRuns) {
  Scene scene({.max_batch = 64, .preferred = {4}});
  scene.add(job(6));
  EXPECT_EQ(scene.dispatch().rows, 6);
}

TEST(Schedule, ADeadlineFlushesInTimeForTheRun) {
  Scene scene({.max_batch = 64, .max_delay = 10s});
  scene.learn(1, 40ms);
  scene.schedule.set_coming(1);
  scene.add(job(1, 0, scene.now + 100ms));
  EXPECT_TRUE(scene.dispatch().parts.empty());
  EXPECT_LE(scene.wake, scene.now + 59ms);
  EXPECT_GE(scene.wake, scene.now + 50ms);
}

TEST(Schedule, TheFullQueueSaysSoAndWhenToComeBack) {
  Scene scene({.max_batch = 1, .queue_limit = 3});
  scene.learn(1, 700ms);
  scene.add(job(1, 0, Time::max()));
  const Batch running = scene.dispatch();
  for (int i = 0; i < 3; i++) scene.add(job(1, 0, Time::max()));
  const auto refusal = scene.schedule.submit(job(1, 0, Time::max()), scene.now);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, "the queue is full: 3 requests wait");
  EXPECT_EQ(refusal->retry_after, 3s);  // four runs of 0.7 s
}

TEST(Schedule, BytesAreLimitedToo) {
  Scene scene({.max_batch = 64, .queue_bytes = 100});
  scene.add(job());
  const Batch running = scene.dispatch();
  scene.add(job(100));  // alone any size may wait
  EXPECT_EQ(scene.refused(job()), "the queue is full: 100 bytes of requests wait");
}

TEST(Schedule, WhatCannotMakeItsDeadlineIsRefusedAtOnce) {
  Scene scene({.max_batch = 1});
  scene.learn(1, 100ms);
  const Time deadline = scene.now + 350ms;
  scene.add(job(1, 0, deadline));
  const Batch running = scene.dispatch();
  scene.add(job(1, 0, deadline));
  scene.add(job(1, 0, deadline));
  EXPECT_NE(scene.refused(job(1, 0, deadline)), "");
  EXPECT_EQ(scene.refused(job(1, 1, deadline)), "");  // nothing is ahead of a higher priority
}

TEST(Schedule, ALargeRequestNeedsTheTimeOfAllItsRuns) {
  Scene scene({.max_batch = 8});
  scene.learn(8, 100ms);
  scene.add(job(8));
  const Batch running = scene.dispatch();
  EXPECT_NE(scene.refused(job(32, 0, scene.now + 450ms)), "");
  EXPECT_EQ(scene.refused(job(32, 0, scene.now + 550ms)), "");
}

TEST(Schedule, WhatWouldNotMakeItAloneEitherIsLetIn) {
  Scene scene({.max_batch = 1});
  scene.learn(1, 3s);
  scene.add(job(1, 0, scene.now + 500ms));
  const Batch running = scene.dispatch();
  EXPECT_EQ(scene.refused(job(1, 0, scene.now + 500ms)), "");
}

TEST(Schedule, NoRunBeginsAfterItsDeadline) {
  Scene scene({.max_batch = 64});
  scene.add(job());
  Batch running = scene.dispatch();
  const auto stale = scene.add(job(1, 0, kStart + 5ms)), good = scene.add(job());
  scene.run(std::move(running), 5ms);
  EXPECT_EQ(members(scene.dispatch()), std::vector{good});
  EXPECT_EQ(scene.late, std::vector{stale});
  EXPECT_TRUE(stale->expired);
  EXPECT_FALSE(stale->result);
}

TEST(Schedule, ARunThatWouldEndTooLateIsNotBegunWhenOthersWait) {
  Scene scene({.max_batch = 1});
  scene.learn(1, 100ms);
  scene.add(job());
  Batch running = scene.dispatch();
  const auto hopeless = scene.add(job(1, 0, scene.now + 220ms)), good = scene.add(job());
  scene.run(std::move(running), 150ms);
  EXPECT_EQ(members(scene.dispatch()), std::vector{good});
  EXPECT_EQ(scene.late, std::vector{hopeless});
}

TEST(Schedule, HigherPrioritiesGoFirstAndEachInOrder) {
  Scene scene({.max_batch = 2});
  scene.add(job());
  Batch running = scene.dispatch();
  const auto low_a = scene.add(job(1, 3)), low_b = scene.add(job(1, 3)), usual_a = scene.add(job()),
             usual_b = scene.add(job(1, 99)), high = scene.add(job(1, 1));
  scene.run(std::move(running), 1ms);
  Batch first = scene.dispatch();
  EXPECT_EQ(members(first), (std::vector{high, usual_a}));
  scene.run(std::move(first), 1ms);
  Batch second = scene.dispatch();
  EXPECT_EQ(members(second), (std::vector{usual_b, low_a}));
  scene.run(std::move(second), 1ms);
  EXPECT_EQ(members(scene.dispatch()), std::vector{low_b});
}

TEST(Schedule, ALowPriorityGoesFirstWhenItCannotWait) {
  Scene scene({.max_batch = 1});
  scene.learn(1, 100ms);
  const auto low = scene.add(job(1, 3, scene.now + 550ms));
  for (int i = 0; i < 20; i++) {
    scene.add(job(1, 1, scene.now + 10s));
    Batch batch = scene.dispatch();
    const bool found = members(batch)[0] == low;
    scene.run(std::move(batch), 100ms);
    if (!found) continue;
    EXPECT_LE(scene.now, low->deadline);
    EXPECT_GE(i, 3);
    return;
  }
  FAIL() << "it starved";
}

TEST(Schedule, OtherShapesWaitForTheNextBatch) {
  Scene scene({.max_batch = 8});
  scene.add(job());
  Batch running = scene.dispatch();
  const auto a = scene.add(job()), other = scene.add(job()), b = scene.add(job());
  other->row_shapes[0] = {2};
  scene.run(std::move(running), 1ms);
  Batch first = scene.dispatch();
  EXPECT_EQ(members(first), (std::vector{a, b}));
  scene.run(std::move(first), 1ms);
  EXPECT_EQ(members(scene.dispatch()), std::vector{other});
}

TEST(Schedule, SmallOnesDoNotOvertakeOneThatDoesNotFit) {
  Scene scene({.max_batch = 8});
  scene.add(job());
  Batch running = scene.dispatch();
  const auto a = scene.add(job(5)), b = scene.add(job(5)), c = scene.add(job());
  scene.run(std::move(running), 1ms);
  Batch first = scene.dispatch();
  EXPECT_EQ(members(first), std::vector{a});
  scene.run(std::move(first), 1ms);
  EXPECT_EQ(members(scene.dispatch()), (std::vector{b, c}));
}

TEST(Schedule, ALargeRequestIsSplitAndItsRestHasCompany) {
  Scene scene({.max_batch = 8});
  const auto large = scene.add(job(19)), small = scene.add(job());
  for (const std::int64_t rows : {8, 8}) {
    Batch batch = scene.dispatch();
    ASSERT_EQ(batch.parts.size(), 1u);
    EXPECT_EQ(batch.rows, rows);
    EXPECT_TRUE(scene.run(std::move(batch), 1ms).empty());
  }
  Batch last = scene.dispatch();
  ASSERT_EQ(members(last), (std::vector{large, small}));
  EXPECT_EQ(last.parts[0].first, 16);
  EXPECT_EQ(last.parts[0].rows, 3);
  EXPECT_EQ(scene.run(std::move(last), 1ms), (std::vector{large, small}));
}

TEST(Schedule, AFailedPartFailsTheWholeRequestOnce) {
  Scene scene({.max_batch = 8});
  const auto large = scene.add(job(19));
  EXPECT_EQ(scene.run(scene.dispatch(), 1ms, make_error(Code::internal, "broken")), std::vector{large});
  EXPECT_EQ(large->result.error().message, "broken");
  EXPECT_TRUE(scene.dispatch().parts.empty());
  EXPECT_TRUE(scene.schedule.waiting().empty());
}

TEST(Schedule, OnlyTheLastCancelledMemberStopsABatch) {
  Scene scene({.max_batch = 8});
  const auto a = scene.add(job()), b = scene.add(job());
  Batch batch = scene.dispatch();
  EXPECT_FALSE(scene.schedule.cancel(a));
  EXPECT_FALSE(scene.schedule.cancel(a));
  EXPECT_TRUE(scene.schedule.cancel(b));
  EXPECT_TRUE(scene.run(std::move(batch), 1ms, make_error(Code::cancelled, "cancelled")).empty());
}

TEST(Schedule, DrainingRefusesAndDoesNotWait) {
  Scene scene({.max_batch = 64, .max_delay = 10s});
  scene.schedule.set_coming(1);
  scene.add(job());
  scene.schedule.drain();
  EXPECT_EQ(scene.refused(job()), "the server is shutting down");
  EXPECT_EQ(scene.dispatch().rows, 1);
}

}  // namespace
}  // namespace adze::server
