#include <gtest/gtest.h>

#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

TEST(Softmax, NormalisesTheLastAxisByDefault) {
  const Tensor y = run_op("Softmax", 13, {}, {tensor({2, 2}, {0, 0, 1, 1})});
  for (const float value : y.as<float>()) EXPECT_FLOAT_EQ(value, 0.5f);
}

TEST(Softmax, TakesAllAxesFromAxisOnBeforeVersion13) {
  const Tensor y = run_op("Softmax", 11, {}, {tensor({1, 2, 2}, {0, 0, 0, 0})});
  for (const float value : y.as<float>()) EXPECT_FLOAT_EQ(value, 0.25f);
}

}  // namespace
}  // namespace adze::testing
