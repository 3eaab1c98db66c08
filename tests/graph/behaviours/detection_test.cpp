// Behaviours 25 and 26: non-maximum suppression, and operators whose definition moved or is easily misread.
#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const Tensor kNone;
const std::int64_t kOne = 1;

// ---- 25 -------------------------------------------------------------------------------------------------------------

// Rows of [batch, class, box].
Ints kept(const Tensor& boxes, const Tensor& scores, const Tensor& most = kNone, const Tensor& iou = kNone,
          const Tensor& score = kNone, const AttributeList& with = {}) {
  return values<std::int64_t>(run_op("NonMaxSuppression", 11, with, {boxes, scores, most, iou, score}));
}

// Three boxes: the second covers half of the first, the third is elsewhere.
const Tensor kBoxes = tensor_of<float>({1, 3, 4}, {0, 0, 2, 2, 0, 0, 2, 1, 5, 5, 6, 6});
const Tensor kScores = tensor_of<float>({1, 1, 3}, {0.8f, 0.9f, 0.7f});

TEST(Behaviour25, LimitsThatAreLeftOutKeepNothingOverlapNothingAndTakeAnyScore) {
  EXPECT_EQ(kept(kBoxes, kScores), Ints{});
  EXPECT_EQ(kept(kBoxes, kScores, ints({0})), Ints{});
  // Without a threshold, any overlap at all suppresses.
  EXPECT_EQ(kept(kBoxes, kScores, ints({9})), (Ints{0, 0, 1, 0, 0, 2}));
  EXPECT_EQ(kept(kBoxes, tensor({1, 1, 3}, {-3, -1, -2}), ints({9})), (Ints{0, 0, 1, 0, 0, 2}));
}

TEST(Behaviour25, OnlyAboveTheOverlapThresholdAndOnlyAboveTheScoreThreshold) {
  EXPECT_EQ(kept(kBoxes, kScores, ints({9}), tensor({1}, {0.5f})), (Ints{0, 0, 1, 0, 0, 0, 0, 0, 2}));
  EXPECT_EQ(kept(kBoxes, kScores, ints({9}), tensor({1}, {0.49f})), (Ints{0, 0, 1, 0, 0, 2}));
  EXPECT_EQ(kept(kBoxes, kScores, ints({9}), tensor({1}, {1}), tensor({1}, {0.7f})), (Ints{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(kept(kBoxes, kScores, ints({9}), kNone, tensor({1}, {0.9f})), Ints{});
}

TEST(Behaviour25, CornersInAnyOrderOrCentresAndSizes) {
  const Tensor flipped = tensor({1, 3, 4}, {2, 2, 0, 0, 2, 0, 0, 1, 5, 6, 6, 5});
  EXPECT_EQ(kept(flipped, kScores, ints({9}), tensor({1}, {0.49f})), (Ints{0, 0, 1, 0, 0, 2}));
  // x, y, width, height of the same boxes, whose corners were y, x.
  const Tensor centred = tensor({1, 3, 4}, {1, 1, 2, 2, 0.5f, 1, 1, 2, 5.5f, 5.5f, 1, 1});
  EXPECT_EQ(kept(centred, kScores, ints({9}), tensor({1}, {0.49f}), kNone, {{"center_point_box", kOne}}),
            (Ints{0, 0, 1, 0, 0, 2}));
  EXPECT_EQ(kept(centred, kScores, ints({9}), tensor({1}, {0.5f}), kNone, {{"center_point_box", kOne}}),
            (Ints{0, 0, 1, 0, 0, 0, 0, 0, 2}));
}

TEST(Behaviour25, OrderedByBatchThenClassThenScoreThenIndexAndLimitedPerClass) {
  const Tensor boxes = tensor({2, 2, 4}, {0, 0, 1, 1, 5, 5, 6, 6, 0, 0, 1, 1, 5, 5, 6, 6});
  const Tensor scores = tensor({2, 2, 2}, {0.1f, 0.2f, 0.5f, 0.5f, 0.9f, 0.8f, 0.3f, 0.4f});
  EXPECT_EQ(kept(boxes, scores, ints({2})),
            (Ints{0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(kept(boxes, scores, ints({1})), (Ints{0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1}));
  EXPECT_EQ(kept(tensor({1, 0, 4}, {}), tensor({1, 2, 0}, {}), ints({5})), Ints{});
}

// ---- 26 -------------------------------------------------------------------------------------------------------------

TEST(Behaviour26, GroupNormalizationScalesGroupsIn18AndChannelsIn21) {
  const Tensor x = tensor({1, 4, 1}, {-1, 1, -2, 2});  // two groups of two channels, each normalised to -1 and 1
  const AttributeList groups = {{"num_groups", std::int64_t{2}}, {"epsilon", 0.0f}};
  expect_values(run_op("GroupNormalization", 18, groups, {x, tensor({2}, {1, 10}), tensor({2}, {0, 5})}), {1, 4, 1},
                {-1, 1, -5, 15}, 1e-5f);
  expect_values(run_op("GroupNormalization", 21, groups, {x, tensor({4}, {1, 2, 3, 4}), tensor({4}, {0, 0, 0, 1})}),
                {1, 4, 1}, {-1, 2, -3, 5}, 1e-5f);
  EXPECT_FALSE(try_op("GroupNormalization", 21, groups, {x, tensor({2}, {1, 10}), tensor({2}, {0, 5})}));
}

TEST(Behaviour26, RoiAlignShiftsByHalfAPixelFrom16OnOnly) {
  const Tensor x = tensor({1, 1, 1, 4}, {0, 1, 2, 3}), roi = tensor({1, 4}, {1, 0, 3, 1}), batch = ints({0});
  const AttributeList with = {{"output_width", kOne}, {"output_height", kOne}, {"sampling_ratio", kOne}};
  expect_values(run_op("RoiAlign", 10, with, {x, roi, batch}), {1, 1, 1, 1}, {2});
  expect_values(run_op("RoiAlign", 16, with, {x, roi, batch}), {1, 1, 1, 1}, {1.5f});
  AttributeList old = with;
  old.emplace_back("coordinate_transformation_mode", std::string("output_half_pixel"));
  expect_values(run_op("RoiAlign", 16, old, {x, roi, batch}), {1, 1, 1, 1}, {2});
}

TEST(Behaviour26, GridSampleModesWereRenamedAt20AndTakeVolumes) {
  const Tensor x = tensor({1, 1, 2, 2}, {0, 1, 2, 3}), centre = tensor({1, 1, 1, 2}, {0, 0});
  expect_values(run_op("GridSample", 16, {{"mode", std::string("bilinear")}}, {x, centre}), {1, 1, 1, 1}, {1.5f});
  expect_values(run_op("GridSample", 20, {{"mode", std::string("linear")}}, {x, centre}), {1, 1, 1, 1}, {1.5f});
  expect_values(run_op("GridSample", 16, {}, {x, centre}), {1, 1, 1, 1}, {1.5f});
  expect_values(run_op("GridSample", 20, {}, {x, centre}), {1, 1, 1, 1}, {1.5f});
  for (const auto& [opset, name] : {std::pair(16, "bicubic"), std::pair(20, "cubic")}) {
    expect_values(run_op("GridSample", opset, {{"mode", std::string(name)}, {"padding_mode", std::string("border")}},
                         {x, centre}),
                  {1, 1, 1, 1}, {1.5f});
  }
  const Tensor volume = tensor({1, 1, 2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  // Grid points are x, y, z; with aligned corners -1 and 1 are the first and the last element.
  const Tensor points = tensor({1, 1, 1, 3, 3}, {1, -1, -1, -1, 1, -1, 0, 0, 1});
  expect_values(run_op("GridSample", 20, {{"align_corners", kOne}}, {volume, points}), {1, 1, 1, 1, 3}, {1, 2, 5.5f});
}

TEST(Behaviour26, EinsumEllipsisRepeatedLettersSpacesAndTheImplicitResult) {
  const auto einsum = [](const char* equation, const std::vector<Tensor>& inputs) {
    return run_op("Einsum", 12, {{"equation", std::string(equation)}}, inputs);
  };
  const Tensor x = tensor({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), m = tensor({2, 3}, {1, 2, 3, 4, 5, 6}),
               v = tensor({2}, {1, 10});
  expect_values(einsum("...ii->...i", {x}), {2, 2}, {1, 4, 5, 8});
  expect_values(einsum("...ii", {x}), {2}, {5, 13});
  expect_values(einsum("ba", {m}), {3, 2}, {1, 4, 2, 5, 3, 6});  // the implicit result is in alphabetical order
  expect_values(einsum(" i j , i -> j ", {m, v}), {3}, {41, 52, 63});
  expect_values(einsum("ij->", {m}), {}, {21});
  expect_values(einsum("...j,j->...", {x, v}), {2, 2}, {21, 43, 65, 87});
  expect_values(einsum("b...,b...->...b", {tensor({2, 1}, {1, 2}), m}), {3, 2}, {1, 8, 2, 10, 3, 12});
}

TEST(Behaviour26, OneHotCountsFromTheEndAndLeavesOutWhatIsBeyond) {
  const auto with = [](std::int64_t axis, const Tensor& indices, const Tensor& depth) {
    return run_op("OneHot", 11, {{"axis", axis}}, {indices, depth, tensor({2}, {0, 1})});
  };
  expect_values(with(-1, ints({0, -1, 3, -4}), ints({3})), {4, 3}, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  expect_values(with(0, ints({1}), ints({2}).reshaped({})), {2, 1}, {0, 1});
  expect_values(with(1, tensor_of<std::int32_t>({1, 2}, {0, 1}), tensor({}, {2})), {1, 2, 2}, {1, 0, 0, 1});
  EXPECT_FALSE(try_op("OneHot", 11, {}, {ints({0}), ints({-1}), tensor({2}, {0, 1})}));
}

TEST(Behaviour26, TopKThatNeedNotBeSortedHoldsTheSameElements) {
  auto y = run_op_outputs("TopK", 11, {{"sorted", std::int64_t{0}}}, {tensor({5}, {3, 9, 1, 7, 5}), ints({3})}, 2);
  Floats top = values<float>(y[0]);
  std::sort(top.begin(), top.end());
  EXPECT_EQ(top, (Floats{5, 7, 9}));
}

TEST(Behaviour26, LrnOfAnEvenSizeLooksFurtherAhead) {
  const Tensor x = tensor({1, 4, 1, 1}, {1, 2, 3, 4});
  // size 2: this channel and the next one.
  expect_values(run_op("LRN", 13, {{"size", std::int64_t{2}}, {"alpha", 2.0f}, {"beta", 1.0f}, {"bias", 0.0f}}, {x}),
                {1, 4, 1, 1}, {1.0f / 5, 2.0f / 13, 3.0f / 25, 4.0f / 16});
}

TEST(Behaviour26, MaxPoolIndicesWithPadsDilationsAndEitherOrder) {
  const Tensor x = tensor({1, 1, 3, 3}, {9, 1, 2, 3, 4, 8, 5, 7, 6});
  const AttributeList with = {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 1}}, {"pads", Ints{1, 0, 0, 1}}};
  auto y = run_op_outputs("MaxPool", 12, with, {x}, 2);
  expect_values(y[0], {1, 1, 2, 3}, {4, 8, 8, 9, 7, 6});
  EXPECT_EQ(values<std::int64_t>(y[1]), (Ints{4, 5, 5, 0, 7, 8}));
  AttributeList columns = with;
  columns.emplace_back("storage_order", kOne);
  EXPECT_EQ(values<std::int64_t>(run_op_outputs("MaxPool", 12, columns, {x}, 2)[1]), (Ints{4, 7, 7, 0, 5, 8}));
}

TEST(Behaviour26, MaxPoolOfBytesPadsWithTheLeastOfThem) {
  const AttributeList with = {{"kernel_shape", Ints{2}}, {"pads", Ints{1, 1}}};
  EXPECT_EQ(values<std::int8_t>(run_op("MaxPool", 12, with, {tensor_of<std::int8_t>({1, 1, 2}, {-128, -3})})),
            (std::vector<std::int8_t>{-128, -3, -3}));
  EXPECT_EQ(values<std::uint8_t>(run_op("MaxPool", 12, with, {tensor_of<std::uint8_t>({1, 1, 2}, {0, 255})})),
            (std::vector<std::uint8_t>{0, 255, 255}));
}

TEST(Behaviour26, TriluWithAnyDiagonal) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto with = [&](std::int64_t upper, std::int64_t k) {
    return values<float>(run_op("Trilu", 14, {{"upper", upper}}, {x, ints({k}).reshaped({})}));
  };
  EXPECT_EQ(with(1, 1), (Floats{0, 2, 3, 0, 0, 6}));
  EXPECT_EQ(with(0, -1), (Floats{0, 0, 0, 4, 0, 0}));
  EXPECT_EQ(with(1, -9), values<float>(x));
  EXPECT_EQ(with(0, 9), values<float>(x));
  EXPECT_EQ(with(1, 9), (Floats(6, 0)));
  EXPECT_EQ(with(1, std::numeric_limits<std::int64_t>::max()), (Floats(6, 0)));
  EXPECT_EQ(with(0, std::numeric_limits<std::int64_t>::min()), (Floats(6, 0)));
}

TEST(Behaviour26, CumSumExclusiveReverseAndFromTheLastAxis) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto with = [&](std::int64_t exclusive, std::int64_t reverse, std::int64_t axis) {
    return values<float>(
        run_op("CumSum", 14, {{"exclusive", exclusive}, {"reverse", reverse}}, {x, ints({axis}).reshaped({})}));
  };
  EXPECT_EQ(with(1, 0, -1), (Floats{0, 1, 3, 0, 4, 9}));
  EXPECT_EQ(with(0, 1, 1), (Floats{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(with(1, 1, 1), (Floats{5, 3, 0, 11, 6, 0}));
  EXPECT_EQ(with(1, 0, 0), (Floats{0, 0, 0, 1, 2, 3}));
}

TEST(Behaviour26, LpPoolDilates) {
  expect_values(
      run_op("LpPool", 18, {{"kernel_shape", Ints{2}}, {"dilations", Ints{2}}}, {tensor({1, 1, 4}, {3, 5, 4, 12})}),
      {1, 1, 2}, {5, 13});
}

}  // namespace
}  // namespace adze::testing
