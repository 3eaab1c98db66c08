// Cancelling runs, and deadlines.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/runtime/c/handles.h"

namespace adze::testing {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

class CStop : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(model_.status(), INFERENCE_OK) << inference_model_error(model_);
    ASSERT_EQ(inference_session_prepare_rows(session_, kLongRows, &in_, 1), INFERENCE_OK) << session_.error();
  }

  const CModel model_{long_model()};
  const CSession session_{model_, 2};
  inference_tensor in_;
};

TEST_F(CStop, ACancelledRunEndsAndTheNextOneDoesNot) {
  inference_session_cancel(session_);
  EXPECT_EQ(inference_session_run(session_, INFERENCE_NO_TIMEOUT), INFERENCE_CANCELLED);
  EXPECT_EQ(session_.error(), "cancelled");
  inference_tensor out;
  EXPECT_EQ(inference_session_output(session_, 0, &out), INFERENCE_BAD_INPUT);
  EXPECT_EQ(inference_session_run(session_, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session_.error();
  inference_session_cancel(session_);
  inference_session_uncancel(session_);
  EXPECT_EQ(inference_session_run(session_, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session_.error();
}

TEST_F(CStop, AnotherThreadCancelsARunOnItsWay) {
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(inference_session_run(session_, INFERENCE_NO_TIMEOUT), INFERENCE_OK);
  const auto whole = std::chrono::steady_clock::now() - start;
  std::thread other([&] {
    std::this_thread::sleep_for(whole / 8);
    inference_session_cancel(session_);
  });
  // A request that comes late holds for the next run.
  inference_status status = INFERENCE_OK;
  for (int run = 0; run < 100 && status == INFERENCE_OK; run++) {
    status = inference_session_run(session_, INFERENCE_NO_TIMEOUT);
  }
  other.join();
  EXPECT_EQ(status, INFERENCE_CANCELLED);
}

TEST_F(CStop, ADeadlineEndsARunOnItsWay) {
  EXPECT_EQ(inference_session_run(session_, 0), INFERENCE_TIMED_OUT);
  EXPECT_EQ(inference_session_run(session_, kMillisecond), INFERENCE_TIMED_OUT);
  EXPECT_EQ(session_.error(), "timed out");
  EXPECT_EQ(inference_session_run(session_, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session_.error();
  EXPECT_EQ(inference_session_run(session_, INT64_MAX), INFERENCE_OK) << session_.error();
  EXPECT_EQ(inference_session_run(session_, kMillisecond), INFERENCE_TIMED_OUT);
}

// Deadlines at every moment of a short run: whichever way a run ends, the next isn't touched by it.
TEST(CDeadline, AnEarlierRunsDeadlineDoesNotEndALaterRun) {
  const CModel model(small_cnn());
  const CSession session(model, 1);
  inference_tensor in;
  ASSERT_EQ(inference_session_prepare_rows(session, 1, &in, 1), INFERENCE_OK);
  for (int i = 1; i <= 1000; i++) {
    const inference_status status = inference_session_run(session, i * 200);
    ASSERT_TRUE(status == INFERENCE_OK || status == INFERENCE_TIMED_OUT) << status;
    ASSERT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << i << ": " << session.error();
    ASSERT_EQ(inference_session_run(session, 1'000'000 * kMillisecond), INFERENCE_OK) << i << ": " << session.error();
  }
}

TEST(CDeadline, ManyThreadsCancelWhileRunsComeAndGo) {
  const CModel model(small_cnn());
  const CSession session(model, 2);
  inference_tensor in;
  ASSERT_EQ(inference_session_prepare_rows(session, 4, &in, 1), INFERENCE_OK);
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int t = 0; t < 2; t++) {
    others.emplace_back([&] {
      while (!stop) {
        inference_session_cancel(session);
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    });
  }
  for (int run = 0; run < 300; run++) {
    const inference_status status = inference_session_run(session, run % 2 ? INFERENCE_NO_TIMEOUT : kMillisecond);
    ASSERT_TRUE(status == INFERENCE_OK || status == INFERENCE_CANCELLED || status == INFERENCE_TIMED_OUT) << status;
  }
  stop = true;
  for (std::thread& other : others) other.join();
  inference_session_uncancel(session);
  EXPECT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session.error();
}

}  // namespace
}  // namespace adze::testing
