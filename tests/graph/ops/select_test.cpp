#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

TEST(ArgMax, TakesTheFirstOfEqualsUnlessAskedForTheLast) {
  const Tensor x = tensor({2, 3}, {5, 1, 5, 2, 2, 0});
  const Tensor first = run_op("ArgMax", 13, {{"axis", std::int64_t{1}}}, {x});
  EXPECT_EQ(to_string(first.shape()), "2x1");
  EXPECT_EQ(values<std::int64_t>(first), (Ints{0, 0}));
  EXPECT_EQ(values<std::int64_t>(
                run_op("ArgMax", 13, {{"axis", std::int64_t{-1}}, {"select_last_index", std::int64_t{1}}}, {x})),
            (Ints{2, 1}));
}

TEST(ArgMin, WorksAlongTheFirstAxisByDefault) {
  const Tensor x = tensor({2, 3}, {5, 1, 5, 2, 2, 0});
  const Tensor y = run_op("ArgMin", 11, {{"keepdims", std::int64_t{0}}}, {x});
  EXPECT_EQ(to_string(y.shape()), "3");
  EXPECT_EQ(values<std::int64_t>(y), (Ints{1, 0, 1}));
}

TEST(ArgMax, WorksInOtherTypes) {
  EXPECT_EQ(values<std::int64_t>(run_op("ArgMax", 13, {}, {tensor_of<std::uint8_t>({3}, {1, 255, 3})})), (Ints{1}));
  EXPECT_EQ(values<std::int64_t>(run_op("ArgMin", 13, {}, {ints({4, -9, 3})})), (Ints{1}));
}

TEST(ArgMax, RefusesAnEmptyAxisAndOneOutOfRange) {
  EXPECT_FALSE(try_op("ArgMax", 13, {}, {tensor({0, 2}, {})}).has_value());
  EXPECT_FALSE(try_op("ArgMax", 13, {{"axis", std::int64_t{2}}}, {tensor({1, 2}, {1, 2})}).has_value());
}

TEST(TopK, OrdersDescendingWithTiesByIndex) {
  const Tensor x = tensor({1, 5}, {3, 1, 3, 7, 3});
  const auto outputs = run_op_outputs("TopK", 11, {}, {x, ints({4})}, 2);
  EXPECT_EQ(values<float>(outputs[0]), (std::vector<float>{7, 3, 3, 3}));
  EXPECT_EQ(values<std::int64_t>(outputs[1]), (Ints{3, 0, 2, 4}));
}

TEST(TopK, GivesTheSmallestAlongAnyAxis) {
  const Tensor x = tensor({3, 2}, {5, 1, 4, 2, 3, 3});
  const auto outputs =
      run_op_outputs("TopK", 11, {{"axis", std::int64_t{0}}, {"largest", std::int64_t{0}}}, {x, ints({2})}, 2);
  EXPECT_EQ(to_string(outputs[0].shape()), "2x2");
  EXPECT_EQ(values<float>(outputs[0]), (std::vector<float>{3, 1, 4, 2}));
  EXPECT_EQ(values<std::int64_t>(outputs[1]), (Ints{2, 0, 1, 1}));
}

TEST(TopK, TakesKFromAnAttributeBeforeVersion10) {
  const auto outputs = run_op_outputs("TopK", 9, {{"k", std::int64_t{1}}}, {tensor({3}, {1, 9, 2})}, 2);
  EXPECT_EQ(values<float>(outputs[0]), (std::vector<float>{9}));
  EXPECT_EQ(values<std::int64_t>(outputs[1]), (Ints{1}));
}

TEST(TopK, CountsNaNAsTheGreatest) {
  const Tensor x = tensor({3}, {1, std::numeric_limits<float>::quiet_NaN(), 2});
  EXPECT_EQ(values<std::int64_t>(run_op_outputs("TopK", 11, {}, {x, ints({3})}, 2)[1]), (Ints{1, 2, 0}));
}

TEST(TopK, RefusesMoreThanThereIs) {
  EXPECT_FALSE(try_op("TopK", 11, {}, {tensor({3}, {1, 2, 3}), ints({4})}, 2).has_value());
  EXPECT_FALSE(try_op("TopK", 11, {}, {tensor({3}, {1, 2, 3}), ints({-1})}, 2).has_value());
  EXPECT_FALSE(try_op("TopK", 11, {}, {tensor({3}, {1, 2, 3}), ints({})}, 2).has_value());
}

TEST(TopK, MayTakeNothing) {
  EXPECT_EQ(to_string(run_op_outputs("TopK", 11, {}, {tensor({3}, {1, 2, 3}), ints({0})}, 2)[0].shape()), "0");
}

}  // namespace
}  // namespace adze::testing
