#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/permuted_op.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
const Tensor kData = tensor({2, 2, 2}, {1, 2, 3, 4, -5, 6, 7, 8});

TEST(Reduce, TakesAxesFromAnAttributeAndKeepsThemAsOnes) {
  expect_values(run_op("ReduceSum", 11, {{"axes", Ints{1}}}, {kData}), {2, 1, 2}, {4, 6, 2, 14});
  expect_values(run_op("ReduceMean", 13, {{"axes", Ints{-1}}, {"keepdims", std::int64_t{0}}}, {kData}), {2, 2},
                {1.5f, 3.5f, 0.5f, 7.5f});
}

TEST(Reduce, TakesAxesFromAnInput) {
  expect_values(run_op("ReduceSum", 13, {}, {kData, ints({0, 2})}), {1, 2, 1}, {4, 22});
  expect_values(run_op("ReduceMax", 18, {{"keepdims", std::int64_t{0}}}, {kData, ints({-3})}), {2, 2}, {1, 6, 7, 8});
}

TEST(Reduce, TakesAllAxesWhereNoneAreGiven) {
  expect_values(run_op("ReduceSum", 13, {{"keepdims", std::int64_t{0}}}, {kData}), {}, {26});
  expect_values(run_op("ReduceMin", 18, {}, {kData, ints({})}), {1, 1, 1}, {-5});
}

TEST(Reduce, LeavesTheShapeWhereEmptyAxesMeanNothing) {
  const AttributeList noop = {{"noop_with_empty_axes", std::int64_t{1}}};
  expect_values(run_op("ReduceSum", 13, noop, {kData, ints({})}), {2, 2, 2}, {1, 2, 3, 4, -5, 6, 7, 8});
  expect_values(run_op("ReduceSumSquare", 18, noop, {kData}), {2, 2, 2}, {1, 4, 9, 16, 25, 36, 49, 64});
}

TEST(Reduce, ComputesEveryFunction) {
  const Tensor x = tensor({1, 4}, {1, -2, 3, 2});
  const AttributeList last = {{"axes", Ints{1}}, {"keepdims", std::int64_t{0}}};
  expect_values(run_op("ReduceProd", 13, last, {x}), {1}, {-12});
  expect_values(run_op("ReduceL1", 13, last, {x}), {1}, {8});
  expect_values(run_op("ReduceL2", 13, last, {x}), {1}, {std::sqrt(18.0f)});
  expect_values(run_op("ReduceSumSquare", 13, last, {x}), {1}, {18});
  expect_values(run_op("ReduceLogSum", 13, last, {x}), {1}, {std::log(4.0f)});
  const double sum = std::exp(1.0) + std::exp(-2.0) + std::exp(3.0) + std::exp(2.0);
  expect_values(run_op("ReduceLogSumExp", 13, last, {x}), {1}, {static_cast<float>(std::log(sum))});
}

TEST(Reduce, LogSumExpStaysFiniteForLargeValues) {
  const Tensor y = run_op("ReduceLogSumExp", 13, {}, {tensor({2}, {1000, 1000})});
  expect_values(y, {1}, {1000 + std::log(2.0f)}, 1e-3f);
}

TEST(Reduce, GivesNeutralElementsForEmptySets) {
  const Tensor nothing = tensor({2, 0}, {});
  const float kInfinity = std::numeric_limits<float>::infinity();
  const AttributeList last = {{"axes", Ints{1}}, {"keepdims", std::int64_t{0}}};
  EXPECT_EQ(values<float>(run_op("ReduceSum", 11, last, {nothing})), (std::vector<float>{0, 0}));
  EXPECT_EQ(values<float>(run_op("ReduceProd", 11, last, {nothing})), (std::vector<float>{1, 1}));
  EXPECT_EQ(values<float>(run_op("ReduceMax", 11, last, {nothing})), (std::vector<float>{-kInfinity, -kInfinity}));
  EXPECT_EQ(values<float>(run_op("ReduceMin", 11, last, {nothing})), (std::vector<float>{kInfinity, kInfinity}));
  EXPECT_TRUE(std::isnan(values<float>(run_op("ReduceMean", 11, last, {nothing}))[0]));
  const Tensor bytes = Tensor::allocate(DType::u8, {0}).tensor;
  EXPECT_EQ(values<std::uint8_t>(run_op("ReduceMax", 18, {}, {bytes})), (std::vector<std::uint8_t>{0}));
}

TEST(Reduce, ReducesScalarsToThemselves) { expect_values(run_op("ReduceSum", 13, {}, {tensor({}, {7})}), {}, {7}); }

TEST(Reduce, WorksInOtherTypes) {
  const Tensor x = tensor({3}, {1, 2, 4});
  EXPECT_EQ(values<std::int32_t>(run_op("ReduceSum", 13, {}, {cast_to<std::int32_t>(x)})),
            (std::vector<std::int32_t>{7}));
  EXPECT_EQ(values<std::int64_t>(run_op("ReduceMean", 13, {}, {cast_to<std::int64_t>(x)})),
            (std::vector<std::int64_t>{2}));
  EXPECT_EQ(values<double>(run_op("ReduceMean", 13, {}, {cast_to<double>(x)})), (std::vector<double>{7.0 / 3}));
  EXPECT_EQ(static_cast<float>(values<Float16>(run_op("ReduceMax", 13, {}, {cast_to<Float16>(x)}))[0]), 4);
  EXPECT_EQ(values<std::int32_t>(run_op("ReduceLogSumExp", 13, {}, {cast_to<std::int32_t>(x)})),
            (std::vector<std::int32_t>{4}));  // 4.17, truncated
  EXPECT_EQ(values<bool>(run_op("ReduceMax", 20, {}, {tensor_of<bool>({2}, {false, true})})),
            (std::vector<bool>{true}));
}

TEST(Reduce, WrapsIntegersAround) {
  const std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const Tensor sum = run_op("ReduceSum", 13, {}, {ints({kMost, 1})});
  EXPECT_EQ(values<std::int64_t>(sum)[0], std::numeric_limits<std::int64_t>::min());
}

TEST(Reduce, RefusesBadAxes) {
  EXPECT_FALSE(try_op("ReduceSum", 11, {{"axes", Ints{3}}}, {kData}).has_value());
  EXPECT_FALSE(try_op("ReduceSum", 11, {{"axes", Ints{-4}}}, {kData}).has_value());
  EXPECT_FALSE(try_op("ReduceSum", 11, {{"axes", Ints{0, -3}}}, {kData}).has_value()) << "an axis twice";
}

TEST(Reduce, MovesBehindTransposes) {
  const Tensor x = random_tensor({2, 3, 4, 5}, 1);
  const std::vector<std::vector<int>> perms = {{0, 2, 3, 1}, {3, 1, 0, 2}};
  for (const char* name : {"ReduceMean", "ReduceMax", "ReduceL2"}) {
    expect_permutable(name, 18, {}, {x, ints({2, 3})}, perms);
    expect_permutable(name, 18, {}, {x, ints({1})}, perms);
    expect_permutable(name, 11, {{"axes", Ints{-2, 0}}}, {x}, perms);
    expect_permutable(name, 18, {}, {x}, perms);
  }
}

TEST(Reduce, IsTheSameForAnyNumberOfSlicesAndIsa) {
  const Tensor x = random_tensor({8, 64, 65}, 2, -10, 10);
  for (const Ints& axes : {Ints{2}, Ints{1}, Ints{0, 2}}) {
    const Tensor want = run_op("ReduceMean", 18, {}, {x, ints(axes)}, {.isa = Isa::portable, .parts = 1});
    for (const int parts : {1, 2, 7}) {
      EXPECT_TRUE(same_bytes(run_op("ReduceMean", 18, {}, {x, ints(axes)}, {.parts = parts}), want)) << parts;
    }
  }
}

}  // namespace
}  // namespace adze::testing
