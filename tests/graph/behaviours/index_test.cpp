// Behaviour 11: indices, from the front and from the end, in either index type.
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const Tensor kNone;

template <class Index>
Tensor indices(const Shape& shape, std::vector<Index> values) {
  return Tensor::from<Index>(shape, values);
}
// 0 1 2 ... of that shape.
Tensor iota(const Shape& shape) {
  Floats values;
  for (std::int64_t i = 0; i < shape.elements(); i++) values.push_back(static_cast<float>(i));
  return tensor(shape, values);
}

template <class Index>
void expect_slices() {
  constexpr Index kLeast = std::numeric_limits<Index>::min(), kMost = std::numeric_limits<Index>::max();
  const Tensor x = iota({2, 5});
  const auto sliced = [&](std::vector<Index> starts, std::vector<Index> ends, std::vector<Index> axes,
                          std::vector<Index> steps) {
    const auto n = static_cast<std::int64_t>(starts.size());
    const auto some = [&](const std::vector<Index>& v) { return v.empty() ? Tensor() : indices<Index>({n}, v); };
    return run_op("Slice", 13, {}, {x, some(starts), some(ends), some(axes), some(steps)});
  };
  EXPECT_EQ(values<float>(sliced({kMost}, {kLeast}, {1}, {-2})), (Floats{4, 2, 0, 9, 7, 5}));
  EXPECT_EQ(values<float>(sliced({kLeast}, {kMost}, {-1}, {3})), (Floats{0, 3, 5, 8}));
  EXPECT_EQ(values<float>(sliced({-1}, {kLeast}, {0}, {-1})), (Floats{5, 6, 7, 8, 9, 0, 1, 2, 3, 4}));
  EXPECT_EQ(values<float>(sliced({1, -2}, {kMost, -9}, {}, {1, -1})), (Floats{8, 7, 6, 5}));
  EXPECT_EQ(values<float>(sliced({1}, {9}, {}, {})), (Floats{5, 6, 7, 8, 9}));  // the first axis where none is named
  EXPECT_EQ(values<float>(sliced({3, 1}, {-1, 2}, {1, 0}, {})), (Floats{8}));
  EXPECT_EQ(sliced({3}, {1}, {1}, {1}).shape(), (Shape{2, 0}));
  EXPECT_EQ(sliced({0}, {kMost}, {1}, {-1}).shape(), (Shape{2, 0}));
  EXPECT_EQ(sliced({kMost}, {kMost}, {1}, {kMost}).shape(), (Shape{2, 0}));
  EXPECT_EQ(values<float>(sliced({4}, {kLeast}, {1}, {kLeast})), (Floats{4, 9}));
}

TEST(Behaviour11, SliceStepsSentinelsClampingAndAbsentAxes) {
  expect_slices<std::int32_t>();
  expect_slices<std::int64_t>();
}

TEST(Behaviour11, SliceRefusesAxesTwiceOrOutsideAndAStepOfZero) {
  const auto refused = [](Ints axes, Ints steps) {
    return !try_op("Slice", 13, {},
                   {iota({2, 5}), ints({0, 0}), ints({1, 1}), ints(std::move(axes)), ints(std::move(steps))});
  };
  EXPECT_TRUE(refused({0, 0}, {1, 1}));
  EXPECT_TRUE(refused({1, -1}, {1, 1}));
  EXPECT_TRUE(refused({0, 2}, {1, 1}));
  EXPECT_TRUE(refused({0, 1}, {1, 0}));
}

template <class Index>
void expect_gathers() {
  const Tensor x = iota({3, 2, 2});
  const auto with = [&](std::int64_t axis, const Shape& shape, std::vector<Index> which) {
    return run_op("Gather", 13, {{"axis", axis}}, {x, indices<Index>(shape, std::move(which))});
  };
  expect_values(with(0, {1, 2}, {-1, 0}), {1, 2, 2, 2}, {8, 9, 10, 11, 0, 1, 2, 3});
  expect_values(with(-1, {}, {-2}), {3, 2}, {0, 2, 4, 6, 8, 10});
  expect_values(with(1, {1}, {1}), {3, 1, 2}, {2, 3, 6, 7, 10, 11});
  const auto elements = [&](std::int64_t axis, const Shape& shape, std::vector<Index> which) {
    return run_op("GatherElements", 13, {{"axis", axis}}, {x, indices<Index>(shape, std::move(which))});
  };
  // The indices' other axes may be shorter than the data's.
  expect_values(elements(0, {2, 1, 2}, {-1, 0, 1, -3}), {2, 1, 2}, {8, 1, 4, 1});
  expect_values(elements(-1, {1, 2, 3}, {1, -1, 0, -2, 1, 1}), {1, 2, 3}, {1, 1, 0, 2, 3, 3});
  EXPECT_FALSE(try_op("GatherElements", 13, {}, {x, indices<Index>({1, 1, 1}, {3})}));
  EXPECT_FALSE(try_op("GatherElements", 13, {}, {x, indices<Index>({1, 1, 1}, {-4})}));
  EXPECT_FALSE(try_op("GatherElements", 13, {}, {x, indices<Index>({1, 3, 1}, {0, 0, 0})})) << "longer than the data";
}

TEST(Behaviour11, GatherAndGatherElements) {
  expect_gathers<std::int32_t>();
  expect_gathers<std::int64_t>();
}

TEST(Behaviour11, GatherNdWithBatchDimsAndNegativeIndices) {
  const Tensor x = iota({2, 2, 3});
  const auto with = [&](std::int64_t batch, const Shape& shape, Ints which) {
    return run_op("GatherND", 12, {{"batch_dims", batch}}, {x, indices<std::int64_t>(shape, std::move(which))});
  };
  expect_values(with(0, {2, 2}, {-1, 0, 0, -1}), {2, 3}, {6, 7, 8, 3, 4, 5});
  expect_values(with(0, {1, 1}, {-2}), {1, 2, 3}, {0, 1, 2, 3, 4, 5});
  expect_values(with(0, {3}, {1, 1, 2}), {}, {11});
  expect_values(with(1, {2, 1}, {1, 0}), {2, 3}, {3, 4, 5, 6, 7, 8});
  expect_values(with(2, {2, 2, 1}, {0, -1, 1, -3}), {2, 2}, {0, 5, 7, 9});
  const auto refused = [&](std::int64_t batch, const Shape& shape, Ints which) {
    return !try_op("GatherND", 12, {{"batch_dims", batch}}, {x, indices<std::int64_t>(shape, std::move(which))});
  };
  EXPECT_TRUE(refused(0, {1, 1}, {2}));
  EXPECT_TRUE(refused(0, {1, 4}, {0, 0, 0, 0}));
  EXPECT_TRUE(refused(1, {3, 1}, {0, 0, 0}));
  EXPECT_TRUE(refused(2, {2, 2}, {0, 0, 0, 0}));
}

TEST(Behaviour11, ScatterNdReducesRepeatedIndicesInTheirOrder) {
  const Tensor x = tensor({3}, {10, 20, 30});
  const Tensor where = indices<std::int64_t>({4, 1}, {-1, 0, 2, -3}), updates = tensor({4}, {1, 2, 3, 40});
  const auto with = [&](int opset, const char* reduction) {
    return values<float>(run_op("ScatterND", opset, {{"reduction", std::string(reduction)}}, {x, where, updates}));
  };
  EXPECT_EQ(with(16, "add"), (Floats{52, 20, 34}));
  EXPECT_EQ(with(16, "mul"), (Floats{800, 20, 90}));
  EXPECT_EQ(with(18, "max"), (Floats{40, 20, 30}));
  EXPECT_EQ(with(18, "min"), (Floats{2, 20, 1}));
  EXPECT_EQ(with(18, "none"), (Floats{40, 20, 3}));
  EXPECT_FALSE(try_op("ScatterND", 13, {}, {x, indices<std::int64_t>({1, 1}, {3}), tensor({1}, {0})}));
  EXPECT_FALSE(try_op("ScatterND", 13, {}, {x, indices<std::int64_t>({1, 1}, {-4}), tensor({1}, {0})}));
}

TEST(Behaviour11, ScatterElementsInEitherIndexTypeAndItsOlderName) {
  const Tensor x = iota({2, 3}), updates = tensor({1, 2}, {50, 60});
  const Floats want = {0, 60, 50, 3, 4, 5};
  EXPECT_EQ(values<float>(run_op("ScatterElements", 11, {{"axis", std::int64_t{-1}}},
                                 {x, indices<std::int32_t>({1, 2}, {-1, 1}), updates})),
            want);
  EXPECT_EQ(values<float>(run_op("Scatter", 9, {{"axis", std::int64_t{1}}},
                                 {x, indices<std::int64_t>({1, 2}, {2, -2}), updates})),
            want);
  const std::pair<std::string, Attribute> add = {"reduction", std::string("add")};
  EXPECT_EQ(
      values<std::int64_t>(run_op("ScatterElements", 16, {add}, {ints({1, 2}), ints({-1, 1, -1}), ints({5, 6, 7})})),
      (Ints{1, 20}));
}

TEST(Behaviour11, TiesGoToTheFirstUnlessTheLastIsAskedFor) {
  const Tensor x = tensor({1, 4}, {2, 7, 2, 7});
  for (const auto& [op, first, last] : {std::tuple("ArgMax", 1, 3), std::tuple("ArgMin", 0, 2)}) {
    for (const auto& [select_last, want] : {std::pair(0, first), std::pair(1, last)}) {
      EXPECT_EQ(values<std::int64_t>(run_op(
                    op, 12, {{"axis", std::int64_t{-1}}, {"select_last_index", std::int64_t{select_last}}}, {x})),
                (Ints{want}));
    }
  }
  const auto smallest = run_op_outputs("TopK", 11, {{"largest", std::int64_t{0}}}, {x, ints({3})}, 2);
  EXPECT_EQ(values<std::int64_t>(smallest[1]), (Ints{0, 2, 1}));
}

}  // namespace
}  // namespace adze::testing
