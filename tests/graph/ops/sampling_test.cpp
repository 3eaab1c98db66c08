// Operators that read between pixels or write windows back: GridSample, AffineGrid, RoiAlign, DeformConv, Col2Im,
// MaxUnpool, CenterCropPad; and the losses and tables that have no better place.
#include <cmath>

#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

using Floats = std::vector<float>;
Floats values(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }

TEST(Sampling, TheIdentityGridGivesTheImage) {
  const Tensor image = tensor({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}), theta = tensor({1, 2, 3}, {1, 0, 0, 0, 1, 0});
  for (const std::int64_t align : {0, 1}) {
    const Tensor grid = run_op("AffineGrid", 20, {{"align_corners", align}}, {theta, ints({1, 1, 2, 3})});
    for (const char* mode : {"linear", "nearest", "cubic"}) {
      const Tensor y = run_op("GridSample", 20, {{"align_corners", align}, {"mode", std::string(mode)}}, {image, grid});
      for (std::size_t i = 0; i < 6; i++) EXPECT_NEAR(values(y)[i], static_cast<float>(i + 1), 1e-5f) << mode << align;
    }
  }
}

TEST(Sampling, BeyondTheBorder) {
  const Tensor image = tensor({1, 1, 1, 3}, {1, 2, 3}), grid = tensor({1, 1, 2, 2}, {-3, 0, 3, 0});
  const auto with = [&](const std::string& padding) {
    const AttributeList attributes = {
        {"mode", std::string("nearest")}, {"padding_mode", padding}, {"align_corners", std::int64_t{1}}};
    return values(run_op("GridSample", 20, attributes, {image, grid}));
  };
  EXPECT_EQ(with("zeros"), (Floats{0, 0}));
  EXPECT_EQ(with("border"), (Floats{1, 3}));
  EXPECT_EQ(with("reflection"), (Floats{3, 1}));
  const Tensor nan = tensor({1, 1, 1, 2}, {std::nanf(""), 0});
  EXPECT_EQ(values(run_op("GridSample", 20, {}, {image, nan})), (Floats{0}));
}

TEST(Sampling, RoiAlignAveragesARegion) {
  const Tensor image = tensor({1, 1, 2, 2}, {1, 2, 3, 4}), whole = tensor({1, 4}, {0, 0, 2, 2});
  const AttributeList samples = {{"sampling_ratio", std::int64_t{2}}};
  EXPECT_NEAR(values(run_op("RoiAlign", 16, samples, {image, whole, ints({0})}))[0], 2.5f, 1e-6f);
  EXPECT_FALSE(try_op("RoiAlign", 16, samples, {image, whole, ints({1})}));
}

// Bins that overlap, that lie beyond the image, and a region that ends before it begins.
TEST(Sampling, MaxRoiPoolOverBins) {
  Floats pixels;
  for (int i = 0; i < 60; i++) pixels.push_back(static_cast<float>(i * 7 % 31 - 12));
  const Tensor images = tensor({2, 1, 5, 6}, pixels);
  const AttributeList grid = {{"pooled_shape", std::vector<std::int64_t>{2, 3}}};
  const auto pooled = [&](const Floats& region) {
    return values(run_op("MaxRoiPool", 22, grid, {images, tensor({1, 5}, region)}));
  };
  EXPECT_EQ(pooled({0, 0, 0, 5, 4}), (Floats{17, 13, 16, 17, 15, 18}));
  EXPECT_EQ(pooled({1, 1, 1, 3, 2}), (Floats{-1, 6, 13, 10, 17, -7}));
  EXPECT_EQ(pooled({0, 2.4f, 1.6f, 4.6f, 4.4f}), (Floats{11, 18, 18, 15, 18, 18}));
  EXPECT_EQ(pooled({1, 4, 3, 9, 9}), (Floats{18, 0, 0, 0, 0, 0}));
  EXPECT_EQ(pooled({0, 3, 3, 1, 1}), Floats(6, 11));
  EXPECT_EQ(pooled({1, -3, -3, -2, -2}), Floats(6, 0));
  EXPECT_FALSE(try_op("MaxRoiPool", 22, grid, {images, tensor({1, 5}, {2, 0, 0, 1, 1})}));
  EXPECT_FALSE(try_op("MaxRoiPool", 22, grid, {images, tensor({1, 5}, {0, std::nanf(""), 0, 1, 1})}));
}

TEST(Sampling, DeformConvWithoutOffsetsIsAConvolution) {
  const Tensor x = tensor({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}), w = tensor({1, 1, 2, 2}, {1, 2, 3, 4});
  const Tensor none = tensor({1, 8, 2, 2}, Floats(32, 0)), half = tensor({1, 8, 2, 2}, Floats(32, 0.5f));
  EXPECT_EQ(values(run_op("DeformConv", 19, {}, {x, w, none})), values(run_op("Conv", 11, {}, {x, w})));
  // Half a pixel down and to the right: each tap reads the mean of four.
  EXPECT_NEAR(values(run_op("DeformConv", 19, {}, {x, w, half}))[0], 3 + 2 * 4 + 3 * 6 + 4 * 7, 1e-5f);
}

TEST(Sampling, Col2ImAddsWhereWindowsOverlap) {
  const Tensor columns = tensor({1, 2, 2}, {1, 2, 3, 4});  // two windows of two
  EXPECT_EQ(values(run_op("Col2Im", 18, {}, {columns, ints({3}), ints({2})})), (Floats{1, 5, 4}));
  EXPECT_FALSE(try_op("Col2Im", 18, {}, {columns, ints({4}), ints({2})}));
}

TEST(Sampling, MaxUnpoolPutsMaximaBack) {
  const Tensor x = tensor({1, 1, 1, 2}, {5, 6});
  const Tensor at = Tensor::from<std::int64_t>({1, 1, 1, 2}, std::vector<std::int64_t>{1, 2});
  const AttributeList window = {{"kernel_shape", std::vector<std::int64_t>{1, 2}},
                                {"strides", std::vector<std::int64_t>{1, 2}}};
  EXPECT_EQ(values(run_op("MaxUnpool", 11, window, {x, at})), (Floats{0, 5, 6, 0}));
  const Tensor outside = Tensor::from<std::int64_t>({1, 1, 1, 2}, std::vector<std::int64_t>{1, 4});
  EXPECT_FALSE(try_op("MaxUnpool", 11, window, {x, outside}));
}

TEST(Sampling, CenterCropPadKeepsTheMiddle) {
  const Tensor x = tensor({1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(values(run_op("CenterCropPad", 18, {{"axes", std::vector<std::int64_t>{-1}}}, {x, ints({3})})),
            (Floats{1, 2, 3}));
  EXPECT_EQ(values(run_op("CenterCropPad", 18, {}, {x, ints({2, 6})})), (Floats{0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Loss, SkipsIgnoredTargetsAndAveragesByWeight) {
  const Tensor x = tensor({3, 2}, {-1, -2, -3, -4, -5, -6}), weight = tensor({2}, {1, 3});
  const AttributeList ignore = {{"ignore_index", std::int64_t{-1}}};
  EXPECT_NEAR(values(run_op("NegativeLogLikelihoodLoss", 13, ignore, {x, ints({0, 1, -1}), weight}))[0],
              (1 * 1 + 3 * 4) / 4.0f, 1e-6f);
  EXPECT_FALSE(try_op("NegativeLogLikelihoodLoss", 13, {}, {x, ints({0, 1, 2})}));
  const auto both = run_op_outputs("SoftmaxCrossEntropyLoss", 13, {}, {x, ints({0, 1, 0})}, 2);
  const float first = std::log(1 / (1 + std::exp(-1.0f)));
  EXPECT_NEAR(values(both[1])[0], first, 1e-6f);
  EXPECT_NEAR(values(both[0])[0], -(2 * first + (first - 1)) / 3, 1e-6f);
}

TEST(Bits, ShiftsOfTheWidthOrMoreLeaveTheSign) {
  const auto bytes = [](std::vector<std::int8_t> v) {
    return Tensor::from<std::int8_t>({static_cast<std::int64_t>(v.size())}, v);
  };
  const auto with = [&](const std::string& direction) {
    const Tensor y =
        run_op("BitShift", 28, {{"direction", direction}}, {bytes({-8, 8, -8, 1}), bytes({1, 8, 100, -1})});
    return std::vector<int>(y.as<std::int8_t>().begin(), y.as<std::int8_t>().end());
  };
  EXPECT_EQ(with("RIGHT"), (std::vector<int>{-4, 0, -1, 0}));
  EXPECT_EQ(with("LEFT"), (std::vector<int>{-16, 0, 0, 0}));
}

}  // namespace
}  // namespace adze::testing
