#include "server/batch/queue.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <numeric>

namespace adze::server {
namespace {

using namespace std::chrono_literals;

// Doubles each job's number; can be held, and remembers its batches.
class FakeEngine final : public Engine {
 public:
  Result<void> run(std::span<const JobPtr> jobs, const CancelFlag& cancel) override {
    {
      std::unique_lock lock(mutex_);
      batches_.push_back(jobs.size());
      changed_.notify_all();
      changed_.wait(lock, [&] { return !held_ || permits_ > 0 || cancel.requested(); });
      if (permits_ > 0) permits_--;
    }
    if (cancel.requested()) return make_error(Code::cancelled, "cancelled");
    for (const JobPtr& job : jobs) {
      int value = 0;
      std::memcpy(&value, job->inputs[0].data(), sizeof value);
      value *= 2;
      job->outputs.emplace_back(sizeof value);
      std::memcpy(job->outputs[0].data(), &value, sizeof value);
    }
    return {};
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  void let_one_pass() {
    const std::lock_guard lock(mutex_);
    permits_++;
    changed_.notify_all();
  }
  void poke() { changed_.notify_all(); }
  bool wait_for_batches(std::size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return batches_.size() >= n; });
  }
  std::vector<std::size_t> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int permits_ = 0;
  std::vector<std::size_t> batches_;
};

class Done {
 public:
  BatchQueue::Done callback() {
    return [this](std::span<const JobPtr> jobs) {
      const std::lock_guard lock(mutex_);
      jobs_.insert(jobs_.end(), jobs.begin(), jobs.end());
      changed_.notify_all();
    };
  }
  bool wait_for(std::size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return jobs_.size() >= n; });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<JobPtr> jobs_;
};

JobPtr job(int value, std::int64_t rows = 1, std::chrono::milliseconds deadline = 10s) {
  auto made = std::make_shared<Job>();
  made->rows = rows;
  made->inputs.emplace_back(sizeof value);
  std::memcpy(made->inputs[0].writable(), &value, sizeof value);
  made->row_shapes.push_back({1});
  made->deadline = Clock::now() + deadline;
  return made;
}
int answer(const JobPtr& done) {
  int value = 0;
  std::memcpy(&value, done->outputs.at(0).data(), sizeof value);
  return value;
}

TEST(BatchQueue, AnIdleEngineTakesASingleRequestAtOnce) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  const auto one = job(21);
  const auto begin = Clock::now();
  ASSERT_TRUE(queue.submit(one));
  ASSERT_TRUE(done.wait_for(1));
  EXPECT_LT(Clock::now() - begin, 2s);  // not the ten seconds of max_delay
  EXPECT_EQ(answer(one), 42);
}

TEST(BatchQueue, WhatArrivesDuringARunGoesTogetherAndEachGetsItsOwn) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 1ms, 1000}, engine, done.callback());
  engine.hold(true);
  std::vector<JobPtr> jobs = {job(0)};
  ASSERT_TRUE(queue.submit(jobs[0]));
  ASSERT_TRUE(engine.wait_for_batches(1));
  for (int i = 1; i <= 100; i++) {
    jobs.push_back(job(i));
    ASSERT_TRUE(queue.submit(jobs.back()));
  }
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(101));
  EXPECT_EQ(engine.batches(), (std::vector<std::size_t>{1, 64, 36}));
  for (int i = 0; i <= 100; i++) EXPECT_EQ(answer(jobs[static_cast<std::size_t>(i)]), 2 * i);
}

TEST(BatchQueue, RowsCountTowardsTheBatch) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({8, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(queue.submit(job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  for (int i = 0; i < 4; i++) ASSERT_TRUE(queue.submit(job(i, 3)));
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(5));
  EXPECT_EQ(engine.batches(), (std::vector<std::size_t>{1, 2, 2}));  // 3 + 3 rows, and no third
}

TEST(BatchQueue, OtherShapesWaitForTheNextBatch) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({8, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(queue.submit(job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  auto other = job(5);
  other->row_shapes[0] = {2};
  ASSERT_TRUE(queue.submit(job(1)));
  ASSERT_TRUE(queue.submit(other));
  ASSERT_TRUE(queue.submit(job(2)));
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(4));
  EXPECT_EQ(engine.batches(), (std::vector<std::size_t>{1, 2, 1}));
}

TEST(BatchQueue, ASteadyTrickleIsFlushedByTheOldestAndNotPutOff) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({1000, 30ms, 10000}, engine, done.callback());
  queue.set_coming(1);  // more is always on its way
  const auto begin = Clock::now();
  while (done.count() == 0 && Clock::now() - begin < 3s) {
    ASSERT_TRUE(queue.submit(job(1)));
    std::this_thread::sleep_for(5ms);  // well below max_delay: a timer that restarts would never end
  }
  EXPECT_GT(done.count(), 0u);
  EXPECT_LT(Clock::now() - begin, 1s);
}

TEST(BatchQueue, WaitsForCompanyThatIsComingButNotPastADeadline) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  queue.set_coming(1);
  const auto begin = Clock::now();
  ASSERT_TRUE(queue.submit(job(1, 1, 100ms)));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(done.count(), 0u);
  ASSERT_TRUE(done.wait_for(1));
  EXPECT_LT(Clock::now() - begin, 2s);
}

TEST(BatchQueue, GoesOnWhenNothingIsComingAnyMore) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  queue.set_coming(1);
  ASSERT_TRUE(queue.submit(job(1)));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(done.count(), 0u);
  queue.set_coming(0);
  EXPECT_TRUE(done.wait_for(1));
}

TEST(BatchQueue, AFullQueueRefusesWithoutWaiting) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({1, 0us, 3}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(queue.submit(job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  for (int i = 0; i < 3; i++) ASSERT_TRUE(queue.submit(job(i)));
  EXPECT_FALSE(queue.submit(job(9)));
  engine.hold(false);
  EXPECT_TRUE(done.wait_for(4));
}

TEST(BatchQueue, ACancelledMemberDoesNotHurtItsBatch) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(queue.submit(job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  const auto leaves = job(1), stays = job(2);
  ASSERT_TRUE(queue.submit(leaves));
  ASSERT_TRUE(queue.submit(stays));
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(3));
  engine.hold(true);
  const auto gone = job(3), kept = job(4);
  ASSERT_TRUE(queue.submit(job(0)));
  ASSERT_TRUE(engine.wait_for_batches(3));
  ASSERT_TRUE(queue.submit(gone));
  ASSERT_TRUE(queue.submit(kept));
  queue.cancel(gone);  // still waiting: never runs
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(5));
  EXPECT_TRUE(gone->outputs.empty());
  EXPECT_EQ(answer(kept), 8);
}

TEST(BatchQueue, ARunningBatchStopsOnlyWhenAllMembersAreCancelled) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(queue.submit(job(9)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  const auto a = job(3), b = job(4);
  ASSERT_TRUE(queue.submit(a));
  ASSERT_TRUE(queue.submit(b));
  engine.let_one_pass();
  ASSERT_TRUE(engine.wait_for_batches(2));  // a and b run together now
  queue.cancel(a);
  engine.poke();
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(done.count(), 1u);  // b keeps it running
  queue.cancel(b);
  engine.poke();
  ASSERT_TRUE(done.wait_for(3));
  EXPECT_FALSE(b->result);
}

TEST(BatchQueue, DrainingRunsWhatWasAcceptedAndTakesNoMore) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  queue.set_coming(5);
  std::vector<JobPtr> jobs;
  for (int i = 0; i < 10; i++) {
    jobs.push_back(job(i));
    ASSERT_TRUE(queue.submit(jobs.back()));
  }
  queue.drain();
  ASSERT_TRUE(done.wait_for(10));
  for (int i = 0; i < 10; i++) EXPECT_EQ(answer(jobs[static_cast<std::size_t>(i)]), 2 * i);
  EXPECT_FALSE(queue.submit(job(1)));
}

}  // namespace
}  // namespace adze::server
