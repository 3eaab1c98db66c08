#include "server/batch/queue.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>

namespace adze::server {
namespace {

using namespace std::chrono_literals;

// Doubles each job's numbers, one a row; can be held, and remembers its batches.
class FakeEngine final : public Engine {
 public:
  Result<void> run(std::span<const Part> parts, const CancelFlag& cancel) override {
    {
      std::unique_lock lock(mutex_);
      batches_.push_back(parts.size());
      std::vector<const Job*> members;
      for (const Part& part : parts) members.push_back(part.job.get());
      changed_.notify_all();
      // Who cancels doesn't notify, so this looks now and then.
      while (held_ && permits_ == 0 && !cancel.requested()) changed_.wait_for(lock, 1ms);
      if (permits_ > 0) permits_--;
      for (std::size_t i = 0; i < members.size(); i++) changed_members_ |= parts[i].job.get() != members[i];
    }
    if (cancel.requested()) return make_error(Code::cancelled, "cancelled");
    for (const Part& part : parts) {
      Job& job = *part.job;
      if (part.first == 0) job.outputs.emplace_back(job.inputs[0].size());
      for (std::int64_t row = part.first; row < part.first + part.rows; row++) {
        int value = 0;
        std::memcpy(&value, job.inputs[0].data() + row * std::int64_t{sizeof value}, sizeof value);
        value *= 2;
        std::memcpy(job.outputs[0].data() + row * std::int64_t{sizeof value}, &value, sizeof value);
      }
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
  bool wait_for_batches(std::size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return batches_.size() >= n; });
  }
  bool a_batch_changed_while_it_ran() {
    const std::lock_guard lock(mutex_);
    return changed_members_;
  }
  std::vector<std::size_t> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, changed_members_ = false;
  int permits_ = 0;
  std::vector<std::size_t> batches_;  // how many parts each had
};

class Done {
 public:
  BatchQueue::Done callback() {
    return [this](std::span<const JobPtr> jobs, const Batch&) {
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
  made->inputs.emplace_back(static_cast<std::size_t>(rows) * sizeof value);
  for (std::int64_t row = 0; row < rows; row++) {
    std::memcpy(made->inputs[0].writable() + row * std::int64_t{sizeof value}, &value, sizeof value);
  }
  made->row_shapes.push_back({1});
  made->deadline = Clock::now() + deadline;
  return made;
}
int answer(const JobPtr& done) {
  int value = 0;
  std::memcpy(&value, done->outputs.at(0).data(), sizeof value);
  return value;
}

bool submit(BatchQueue& queue, const JobPtr& job) {
  bool taken = true;
  queue.submit({&job, 1}, [&](const JobPtr&, const Refusal&) { taken = false; });
  return taken;
}

TEST(BatchQueue, AnIdleEngineTakesASingleRequestAtOnce) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  const auto one = job(21);
  const auto begin = Clock::now();
  ASSERT_TRUE(submit(queue, one));
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
  ASSERT_TRUE(submit(queue, jobs[0]));
  ASSERT_TRUE(engine.wait_for_batches(1));
  for (int i = 1; i <= 100; i++) {
    jobs.push_back(job(i));
    ASSERT_TRUE(submit(queue, jobs.back()));
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
  ASSERT_TRUE(submit(queue, job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  for (int i = 0; i < 4; i++) ASSERT_TRUE(submit(queue, job(i, 3)));
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(5));
  EXPECT_EQ(engine.batches(), (std::vector<std::size_t>{1, 2, 2}));  // 3 + 3 rows, and no third
}

TEST(BatchQueue, OtherShapesWaitForTheNextBatch) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({8, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(submit(queue, job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  auto other = job(5);
  other->row_shapes[0] = {2};
  ASSERT_TRUE(submit(queue, job(1)));
  ASSERT_TRUE(submit(queue, other));
  ASSERT_TRUE(submit(queue, job(2)));
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
    ASSERT_TRUE(submit(queue, job(1)));
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
  ASSERT_TRUE(submit(queue, job(1, 1, 100ms)));
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
  ASSERT_TRUE(submit(queue, job(1)));
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
  ASSERT_TRUE(submit(queue, job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  for (int i = 0; i < 3; i++) ASSERT_TRUE(submit(queue, job(i)));
  EXPECT_FALSE(submit(queue, job(9)));
  engine.hold(false);
  EXPECT_TRUE(done.wait_for(4));
}

TEST(BatchQueue, ACancelledRequestThatWaitsNeverRuns) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(submit(queue, job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  const auto gone = job(3), kept = job(4);
  ASSERT_TRUE(submit(queue, gone));
  ASSERT_TRUE(submit(queue, kept));
  queue.cancel(gone);
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(2));
  EXPECT_TRUE(gone->outputs.empty());
  EXPECT_EQ(answer(kept), 8);
  EXPECT_EQ(engine.batches(), (std::vector<std::size_t>{1, 1}));
}

TEST(BatchQueue, ARunningBatchStopsOnlyWhenAllMembersAreCancelled) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(submit(queue, job(9)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  const auto a = job(3), b = job(4), c = job(5);
  ASSERT_TRUE(submit(queue, a));
  ASSERT_TRUE(submit(queue, b));
  engine.let_one_pass();
  ASSERT_TRUE(engine.wait_for_batches(2));  // a and b run together now
  queue.cancel(a);
  ASSERT_TRUE(submit(queue, c));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(engine.batches().size(), 2u);  // b keeps it running
  queue.cancel(b);
  ASSERT_TRUE(engine.wait_for_batches(3));
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(2));  // the first and c: what was cancelled doesn't come back
  EXPECT_EQ(answer(c), 10);
  EXPECT_TRUE(a->outputs.empty());
  EXPECT_TRUE(b->outputs.empty());
}

TEST(BatchQueue, ACancelledMemberDoesNotFailItsMates) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  ASSERT_TRUE(submit(queue, job(0)));
  ASSERT_TRUE(engine.wait_for_batches(1));
  const auto leaves = job(1), stays = job(2);
  ASSERT_TRUE(submit(queue, leaves));
  ASSERT_TRUE(submit(queue, stays));
  engine.let_one_pass();
  ASSERT_TRUE(engine.wait_for_batches(2));
  queue.cancel(leaves);
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(2));
  EXPECT_TRUE(stays->result);
  EXPECT_EQ(answer(stays), 4);
}

// A batcher that collects into the storage of the batch before would show a running batch the requests after it.
TEST(BatchQueue, NewRequestsDoNotReachIntoARunningBatch) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({4, 1ms, 100}, engine, done.callback());
  engine.hold(true);
  std::vector<JobPtr> jobs;
  for (int i = 0; i < 40; i++) {
    jobs.push_back(job(i));
    ASSERT_TRUE(submit(queue, jobs.back()));
    if (i % 4 == 3) engine.let_one_pass();
  }
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(40));
  EXPECT_FALSE(engine.a_batch_changed_while_it_ran());
  for (int i = 0; i < 40; i++) EXPECT_EQ(answer(jobs[static_cast<std::size_t>(i)]), 2 * i);
}

TEST(BatchQueue, WhatIsSubmittedTogetherRunsTogether) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  std::vector<JobPtr> jobs;
  for (int i = 0; i < 50; i++) jobs.push_back(job(i));
  queue.submit(jobs, [](const JobPtr&, const Refusal& refusal) { ADD_FAILURE() << refusal.reason; });
  ASSERT_TRUE(done.wait_for(50));
  EXPECT_EQ(engine.batches(), (std::vector<std::size_t>{50}));
}

TEST(BatchQueue, ALargeRequestTakesSeveralRunsAndHasOneAnswer) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({8, 1ms, 100}, engine, done.callback());
  const auto large = job(7, 19);
  ASSERT_TRUE(submit(queue, large));
  ASSERT_TRUE(done.wait_for(1));
  EXPECT_EQ(engine.batches().size(), 3u);
  ASSERT_EQ(large->outputs[0].size(), 19 * sizeof(int));
  for (std::size_t row = 0; row < 19; row++) {
    int value = 0;
    std::memcpy(&value, large->outputs[0].data() + row * sizeof value, sizeof value);
    EXPECT_EQ(value, 14);
  }
}

// A batcher that drains with a context that is already cancelled would fail everything that waits.
TEST(BatchQueue, DrainingRunsWhatWasAcceptedAndTakesNoMore) {
  FakeEngine engine;
  Done done;
  BatchQueue queue({64, 10s, 100}, engine, done.callback());
  engine.hold(true);
  std::vector<JobPtr> jobs = {job(0)};
  ASSERT_TRUE(submit(queue, jobs[0]));
  ASSERT_TRUE(engine.wait_for_batches(1));
  queue.set_coming(5);
  for (int i = 1; i < 10; i++) {
    jobs.push_back(job(i));
    ASSERT_TRUE(submit(queue, jobs.back()));
  }
  queue.drain();
  engine.hold(false);
  ASSERT_TRUE(done.wait_for(10));
  for (int i = 0; i < 10; i++) {
    EXPECT_TRUE(jobs[static_cast<std::size_t>(i)]->result);
    EXPECT_EQ(answer(jobs[static_cast<std::size_t>(i)]), 2 * i);
  }
  EXPECT_FALSE(submit(queue, job(1)));
}

}  // namespace
}  // namespace adze::server
