#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/permuted_op.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

TEST(Softmax, NormalisesTheLastAxisByDefault) {
  expect_values(run_op("Softmax", 13, {}, {tensor({2, 2}, {0, 0, 1, 1})}), {2, 2}, {0.5f, 0.5f, 0.5f, 0.5f});
}

TEST(Softmax, TakesAllAxesFromAxisOnBeforeVersion13) {
  expect_values(run_op("Softmax", 11, {}, {tensor({1, 2, 2}, {0, 0, 0, 0})}), {1, 2, 2}, {0.25f, 0.25f, 0.25f, 0.25f});
  // An axis of the rank itself leaves a single column.
  expect_values(run_op("Softmax", 11, {{"axis", std::int64_t{2}}}, {tensor({2, 1}, {3, 4})}), {2, 1}, {1, 1});
}

TEST(Softmax, NormalisesAnInnerAxis) {
  const Tensor x = random_tensor({3, 5, 70}, 1, -8, 8);
  const Tensor y = run_op("Softmax", 13, {{"axis", std::int64_t{1}}}, {x});
  for (std::size_t o = 0; o < 3; o++) {
    for (std::size_t i = 0; i < 70; i++) {
      double total = 0;
      for (std::size_t r = 0; r < 5; r++) total += std::exp(double(x.as<float>()[(o * 5 + r) * 70 + i]));
      for (std::size_t r = 0; r < 5; r++) {
        const std::size_t at = (o * 5 + r) * 70 + i;
        ASSERT_NEAR(y.as<float>()[at], std::exp(double(x.as<float>()[at])) / total, 2e-6);
      }
    }
  }
}

TEST(LogSoftmax, IsTheLogarithm) {
  const Tensor x = tensor({1, 3}, {-1, 0, 1});
  expect_values(run_op("LogSoftmax", 13, {}, {x}), {1, 3}, {-2.4076059f, -1.4076059f, -0.4076059f});
  expect_values(run_op("LogSoftmax", 13, {{"axis", std::int64_t{0}}}, {x}), {1, 3}, {0, 0, 0});
}

TEST(Hardmax, MarksTheFirstMaximum) {
  const Tensor x = tensor({2, 3}, {1, 3, 3, 2, 1, 0});
  expect_values(run_op("Hardmax", 13, {}, {x}), {2, 3}, {0, 1, 0, 1, 0, 0});
  expect_values(run_op("Hardmax", 11, {{"axis", std::int64_t{0}}}, {x}), {2, 3}, {0, 1, 0, 0, 0, 0});
}

TEST(Softmax, WorksInOtherTypes) {
  const Tensor x = tensor({2, 2}, {0, 1, 2, 2});
  const auto doubles = values<double>(run_op("Softmax", 13, {}, {cast_to<double>(x)}));
  EXPECT_NEAR(doubles[0], 1 / (1 + std::exp(1.0)), 1e-15);
  EXPECT_NEAR(
      static_cast<float>(values<Float16>(run_op("Softmax", 13, {{"axis", std::int64_t{0}}}, {cast_to<Float16>(x)}))[1]),
      1 / (1 + std::exp(1.0)), 1e-3);
}

TEST(Softmax, PassesEmptyTensors) {
  EXPECT_EQ(to_string(run_op("Softmax", 13, {}, {tensor({0, 3}, {})}).shape()), "0x3");
  EXPECT_EQ(to_string(run_op("Softmax", 13, {}, {tensor({3, 0}, {})}).shape()), "3x0");
  EXPECT_EQ(to_string(run_op("Softmax", 13, {{"axis", std::int64_t{0}}}, {tensor({3, 0}, {})}).shape()), "3x0");
}

TEST(Softmax, RefusesAnAxisOutOfRange) {
  EXPECT_FALSE(try_op("Softmax", 13, {{"axis", std::int64_t{2}}}, {tensor({2, 1}, {1, 2})}).has_value());
  EXPECT_FALSE(try_op("Softmax", 11, {{"axis", std::int64_t{3}}}, {tensor({2, 1}, {1, 2})}).has_value());
}

TEST(Softmax, MovesBehindTransposes) {
  const Tensor x = random_tensor({2, 3, 4, 5}, 2);
  for (std::int64_t axis = -4; axis < 4; axis++) {
    expect_permutable("Softmax", 13, {{"axis", axis}}, {x}, {{0, 2, 3, 1}, {3, 0, 1, 2}});
  }
  Node old = op_node("Softmax", 11, {}, 1);
  EXPECT_FALSE(old.op->permute(old, std::vector<int>{0, 2, 3, 1}));
}

TEST(Softmax, IsTheSameForAnyNumberOfSlicesAndIsa) {
  const Tensor x = random_tensor({5, 33, 130}, 3, -20, 20);
  for (const std::int64_t axis : {0, 1, 2}) {
    for (const char* name : {"Softmax", "LogSoftmax"}) {
      const Tensor want = run_op(name, 13, {{"axis", axis}}, {x}, {.isa = Isa::portable, .parts = 1});
      for (const int parts : {1, 3, 8}) {
        EXPECT_TRUE(same_bytes(run_op(name, 13, {{"axis", axis}}, {x}, {.parts = parts}), want))
            << name << axis << parts;
      }
    }
  }
}

}  // namespace
}  // namespace adze::testing
