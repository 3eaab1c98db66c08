#include <atomic>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <thread>

#include "tests/runtime/c/handles.h"
#include "tests/support/temp_folder.h"

namespace adze::testing {
namespace {

class CPredict : public ::testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    unsetenv("INFERENCE_MODEL");
    inference_close();
  }
  static float of(const std::vector<float>& row) {
    return predict(reinterpret_cast<const char*>(row.data()), static_cast<int>(row.size() * sizeof(float)));
  }
  static bool said(const std::string& part) { return std::string(inference_error()).find(part) != std::string::npos; }

  const TempFolder folder_;
  const std::string once_ = folder_.write("once.onnx", sum_model(1));
  const std::string thrice_ = folder_.write("thrice.onnx", sum_model(3));
  const std::vector<float> row_ = {1, 2, 3, 4, 5};
};

TEST_F(CPredict, TakesTheModelOfTheEnvironment) {
  setenv("INFERENCE_MODEL", once_.c_str(), 1);
  EXPECT_EQ(of(row_), 15);
  EXPECT_EQ(of({0, 0, 0, 0, -1}), -1);
}

TEST_F(CPredict, TakesTheModelThatWasOpenedInstead) {
  setenv("INFERENCE_MODEL", once_.c_str(), 1);
  ASSERT_EQ(inference_open(thrice_.c_str()), INFERENCE_OK) << inference_error();
  EXPECT_EQ(of(row_), 45);
  EXPECT_EQ(inference_open("/nowhere.onnx"), INFERENCE_BAD_INPUT);
  EXPECT_TRUE(said("/nowhere.onnx"));
  EXPECT_EQ(of(row_), 45) << "the model before stays";
  ASSERT_EQ(inference_open(once_.c_str()), INFERENCE_OK) << inference_error();
  EXPECT_EQ(of(row_), 15);
}

TEST_F(CPredict, GivesNaNAndAText) {
  EXPECT_TRUE(std::isnan(of(row_)));
  EXPECT_TRUE(said("INFERENCE_MODEL")) << inference_error();
  setenv("INFERENCE_MODEL", "/nowhere.onnx", 1);
  EXPECT_TRUE(std::isnan(of(row_)));
  EXPECT_TRUE(said("/nowhere.onnx")) << inference_error();
  setenv("INFERENCE_MODEL", once_.c_str(), 1);
  EXPECT_EQ(of(row_), 15);
  const auto* data = reinterpret_cast<const char*>(row_.data());
  for (const int len : {0, 19, 21, 24, -20, INT_MIN, INT_MAX}) EXPECT_TRUE(std::isnan(predict(data, len))) << len;
  EXPECT_TRUE(said("20 bytes")) << inference_error();
  EXPECT_TRUE(std::isnan(predict(nullptr, 20)));
  EXPECT_EQ(of(row_), 15);
  EXPECT_EQ(inference_open(nullptr), INFERENCE_BAD_INPUT);
}

TEST_F(CPredict, RefusesModelsThatItCannotFeed) {
  ModelBuilder two;
  two.input("a", {1}).input("b", {1}).output("y").node("Add", {"a", "b"}, {"y"});
  EXPECT_EQ(inference_open(folder_.write("two.onnx", two.serialized()).c_str()), INFERENCE_BAD_INPUT);
  ModelBuilder whole;
  whole.input("x", {1}, DType::i64).output("y", {1}, DType::i64).node("Neg", {"x"}, {"y"});
  EXPECT_EQ(inference_open(folder_.write("whole.onnx", whole.serialized()).c_str()), INFERENCE_BAD_INPUT);
}

TEST_F(CPredict, TheScoreIsTheGreatestOfSeveral) {
  ModelBuilder m;
  m.input("x", {-1, 5}).output("y").node("Neg", {"x"}, {"y"});
  ASSERT_EQ(inference_open(folder_.write("several.onnx", m.serialized()).c_str()), INFERENCE_OK) << inference_error();
  EXPECT_EQ(of(row_), -1);
}

TEST_F(CPredict, ReadsBytesThatAreNotAligned) {
  ASSERT_EQ(inference_open(once_.c_str()), INFERENCE_OK);
  char bytes[21];
  std::memcpy(bytes + 1, row_.data(), 20);
  EXPECT_EQ(predict(bytes + 1, 20), 15);
}

TEST_F(CPredict, ManyThreadsAtOnceWhileTheModelChanges) {
  ASSERT_EQ(inference_open(once_.c_str()), INFERENCE_OK);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      const auto base = static_cast<float>(t);
      for (int i = 0; i < 500; i++) {
        const float got = of({base, 0, 0, 0, 1});
        if (got != base + 1 && got != 3 * (base + 1)) wrong++;
      }
    });
  }
  for (int i = 0; i < 20; i++) EXPECT_EQ(inference_open((i % 2 ? once_ : thrice_).c_str()), INFERENCE_OK);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(of(row_), 15);
}

}  // namespace
}  // namespace adze::testing
