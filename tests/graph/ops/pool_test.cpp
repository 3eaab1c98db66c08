#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

// 1 2 3 4 / 5 6 7 8 / 9 ...
Tensor ramp(const Shape& shape) {
  std::vector<float> values;
  for (std::int64_t i = 1; i <= shape.elements(); i++) values.push_back(static_cast<float>(i));
  return tensor(shape, values);
}
AttributeList window(Ints kernel, Ints strides = {}, AttributeList more = {}) {
  more.emplace_back("kernel_shape", std::move(kernel));
  if (!strides.empty()) more.emplace_back("strides", std::move(strides));
  return more;
}
const std::pair<std::string, Attribute> kCeil = {"ceil_mode", std::int64_t{1}};
const std::pair<std::string, Attribute> kCountPad = {"count_include_pad", std::int64_t{1}};

TEST(MaxPool, SlidesOverOneToThreeAxes) {
  expect_values(run_op("MaxPool", 12, window({2}, {2}), {ramp({1, 1, 5})}), {1, 1, 2}, {2, 4});
  expect_values(run_op("MaxPool", 12, window({2, 2}), {ramp({1, 1, 3, 3})}), {1, 1, 2, 2}, {5, 6, 8, 9});
  expect_values(run_op("MaxPool", 12, window({2, 1, 2}, {2, 2, 1}), {ramp({1, 1, 2, 3, 3})}), {1, 1, 1, 2, 2},
                {11, 12, 17, 18});
  expect_values(run_op("MaxPool", 12, window({2, 2}, {2, 2}), {ramp({1, 2, 2, 2})}), {1, 2, 1, 1}, {4, 8});
}

TEST(MaxPool, PadsWithMinusInfinity) {
  const Tensor x = tensor({1, 1, 2, 2}, {-1, -2, -3, -4});
  expect_values(run_op("MaxPool", 12, window({3, 3}, {2, 2}, {{"pads", Ints{1, 1, 1, 1}}}), {x}), {1, 1, 1, 1}, {-1});
  expect_values(run_op("MaxPool", 12, window({2, 2}, {1, 1}, {{"pads", Ints{1, 0, 0, 0}}}), {x}), {1, 1, 2, 1},
                {-1, -1});
}

TEST(MaxPool, ResolvesAutoPad) {
  const auto pool = [](const char* mode, Ints strides, Ints dilations) {
    return run_op("MaxPool", 12, window({2, 2}, strides, {{"auto_pad", std::string(mode)}, {"dilations", dilations}}),
                  {ramp({1, 1, 3, 3})});
  };
  expect_values(pool("SAME_UPPER", {1, 1}, {1, 1}), {1, 1, 3, 3}, {5, 6, 6, 8, 9, 9, 8, 9, 9});
  expect_values(pool("SAME_LOWER", {1, 1}, {1, 1}), {1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  expect_values(pool("SAME_UPPER", {2, 2}, {1, 1}), {1, 1, 2, 2}, {5, 6, 8, 9});
  expect_values(pool("SAME_UPPER", {1, 1}, {2, 2}), {1, 1, 3, 3}, {5, 6, 5, 8, 9, 8, 5, 6, 5});
  expect_values(pool("VALID", {1, 1}, {2, 2}), {1, 1, 1, 1}, {9});
  EXPECT_FALSE(
      try_op("MaxPool", 12, window({2, 2}, {}, {{"auto_pad", std::string("SAME")}}), {ramp({1, 1, 3, 3})}).has_value());
}

TEST(MaxPool, RoundsUpButStartsTheLastWindowInside) {
  expect_values(run_op("MaxPool", 12, window({3, 3}, {2, 2}, {kCeil}), {ramp({1, 1, 4, 4})}), {1, 1, 2, 2},
                {11, 12, 15, 16});
  // Rounding up gives two positions, but the second would begin at 2, behind the only element.
  expect_values(run_op("MaxPool", 12, window({1, 1}, {2, 2}, {kCeil}), {ramp({1, 1, 2, 2})}), {1, 1, 1, 1}, {1});
  // The second begins in the padding behind the end: dropped, too.
  expect_values(run_op("MaxPool", 12, window({2}, {3}, {kCeil, {"pads", Ints{0, 1}}}), {ramp({1, 1, 3})}), {1, 1, 1},
                {2});
}

TEST(MaxPool, GivesIndicesInOnnxOrder) {
  const Tensor x = tensor({1, 2, 2, 3}, {1, 9, 3, 4, 5, 6, 7, 1, 2, 3, 4, 8});
  auto outputs = run_op_outputs("MaxPool", 12, window({2, 2}), {x}, 2);
  expect_values(outputs[0], {1, 2, 1, 2}, {9, 9, 7, 8});
  EXPECT_EQ(values<std::int64_t>(outputs[1]), (Ints{1, 1, 6, 11}));
  outputs = run_op_outputs("MaxPool", 12, window({2, 2}, {}, {{"storage_order", std::int64_t{1}}}), {x}, 2);
  EXPECT_EQ(values<std::int64_t>(outputs[1]), (Ints{2, 2, 6, 11}));
  // Equal elements: the first one.
  outputs = run_op_outputs("MaxPool", 12, window({2}), {tensor({1, 1, 3}, {5, 5, 5})}, 2);
  EXPECT_EQ(values<std::int64_t>(outputs[1]), (Ints{0, 1}));
}

TEST(MaxPool, WorksInOtherTypes) {
  const Tensor x = tensor({1, 1, 4}, {1, 4, 3, 2});
  EXPECT_EQ(values<std::uint8_t>(run_op("MaxPool", 12, window({2}), {cast_to<std::uint8_t>(x)})),
            (std::vector<std::uint8_t>{4, 4, 3}));
  EXPECT_EQ(values<std::int8_t>(run_op("MaxPool", 12, window({2}), {tensor_of<std::int8_t>({1, 1, 3}, {-3, -2, -9})})),
            (std::vector<std::int8_t>{-2, -2}));
  EXPECT_EQ(values<double>(run_op("MaxPool", 12, window({2}), {cast_to<double>(x)})), (std::vector<double>{4, 4, 3}));
  EXPECT_EQ(static_cast<float>(values<Float16>(run_op("MaxPool", 12, window({2}), {cast_to<Float16>(x)}))[2]), 3);
}

TEST(AveragePool, CountsThePaddingOnlyWhereAsked) {
  const Tensor x = ramp({1, 1, 2, 2});
  const std::pair<std::string, Attribute> pads = {"pads", Ints{1, 1, 0, 0}};
  expect_values(run_op("AveragePool", 11, window({2, 2}, {}, {pads}), {x}), {1, 1, 2, 2}, {1, 1.5f, 2, 2.5f});
  expect_values(run_op("AveragePool", 11, window({2, 2}, {}, {pads, kCountPad}), {x}), {1, 1, 2, 2},
                {0.25f, 0.75f, 1, 2.5f});
}

TEST(AveragePool, NeverCountsWhatHangsOverTheEnd) {
  const Tensor x = ramp({1, 1, 4});
  expect_values(run_op("AveragePool", 19, window({3}, {2}, {kCeil}), {x}), {1, 1, 2}, {2, 3.5f});
  expect_values(run_op("AveragePool", 19, window({3}, {2}, {kCeil, kCountPad}), {x}), {1, 1, 2}, {2, 3.5f});
  // One element of padding counts, the one behind it doesn't: (4 + 0) / 2.
  expect_values(run_op("AveragePool", 19, window({3}, {3}, {kCeil, kCountPad, {"pads", Ints{0, 1}}}), {x}), {1, 1, 2},
                {2, 2});
}

TEST(AveragePool, DilatesFromVersion19) {
  expect_values(run_op("AveragePool", 19, window({2, 2}, {}, {{"dilations", Ints{2, 2}}}), {ramp({1, 1, 3, 3})}),
                {1, 1, 1, 1}, {5});
}

TEST(AveragePool, WorksInOtherTypes) {
  EXPECT_EQ(values<double>(run_op("AveragePool", 11, window({2}), {tensor_of<double>({1, 1, 3}, {1, 2, 4})})),
            (std::vector<double>{1.5, 3}));
}

TEST(LpPool, TakesTheNorm) {
  expect_values(run_op("LpPool", 18, window({2}), {tensor({1, 1, 3}, {3, -4, 0})}), {1, 1, 2}, {5, 4});
  expect_values(run_op("LpPool", 18, window({2}, {}, {{"p", std::int64_t{1}}}), {tensor({1, 1, 3}, {3, -4, 0})}),
                {1, 1, 2}, {7, 4});
}

TEST(Pool, RefusesWindowsThatDoNotFit) {
  const Tensor x = ramp({1, 1, 3, 3});
  EXPECT_FALSE(try_op("MaxPool", 12, {}, {x}).has_value()) << "no kernel_shape";
  EXPECT_FALSE(try_op("MaxPool", 12, window({2}), {x}).has_value()) << "one axis of two";
  EXPECT_FALSE(try_op("MaxPool", 12, window({4, 4}), {x}).has_value()) << "larger than the image";
  EXPECT_FALSE(try_op("MaxPool", 12, window({2, 2}, {1, 1, 1}), {x}).has_value());
  EXPECT_FALSE(try_op("MaxPool", 12, window({2, 2}, {}, {{"pads", Ints{1, 1}}}), {x}).has_value());
  EXPECT_FALSE(try_op("MaxPool", 12, window({2, 2}, {}, {{"pads", Ints{-1, 0, 0, 0}}}), {x}).has_value());
  EXPECT_FALSE(try_op("AveragePool", 12, window({2, 2}, {}, {{"pads", Ints{2, 0, 0, 0}}}), {x}).has_value());
  EXPECT_FALSE(try_op("MaxPool", 12, window({2}), {ramp({3, 3})}).has_value()) << "no spatial axis";
}

TEST(Pool, SurvivesTheLargestWindow) {
  const std::int64_t kMost = std::int64_t{1} << 24;
  const AttributeList attributes =
      window({kMost, kMost, kMost}, {}, {{"pads", Ints{kMost - 1, kMost - 1, kMost - 1, 0, 0, 0}}, kCountPad});
  // The only element among 2^72 of padding.
  expect_values(run_op("AveragePool", 19, attributes, {tensor({1, 1, 1, 1, 1}, {1})}), {1, 1, 1, 1, 1}, {0x1p-72f}, 0);
}

TEST(Pool, IsTheSameForAnyNumberOfSlicesAndIsa) {
  const Tensor x = random_tensor({2, 19, 13, 11}, 1);
  for (const char* name : {"MaxPool", "AveragePool"}) {
    const AttributeList attributes = window({3, 3}, {2, 2}, {{"pads", Ints{1, 1, 1, 1}}});
    const Tensor want = run_op(name, 12, attributes, {x}, {.isa = Isa::portable, .parts = 1});
    for (const int parts : {1, 3, 8})
      EXPECT_TRUE(same_bytes(run_op(name, 12, attributes, {x}, {.parts = parts}), want));
  }
}

TEST(GlobalPool, ReducesEachChannel) {
  const Tensor x = tensor({2, 2, 1, 2}, {1, 3, -5, -7, 2, 2, 0, 9});
  expect_values(run_op("GlobalAveragePool", 1, {}, {x}), {2, 2, 1, 1}, {2, -6, 2, 4.5f});
  expect_values(run_op("GlobalMaxPool", 22, {}, {x}), {2, 2, 1, 1}, {3, -5, 2, 9});
  expect_values(run_op("GlobalLpPool", 2, {}, {tensor({1, 1, 2}, {3, -4})}), {1, 1, 1}, {5});
  EXPECT_EQ(values<double>(run_op("GlobalAveragePool", 1, {}, {tensor_of<double>({1, 1, 2}, {1, 2})})),
            (std::vector<double>{1.5}));
  EXPECT_FALSE(try_op("GlobalAveragePool", 1, {}, {ramp({2, 2})}).has_value());
}

TEST(GlobalPool, IsTheSameForAnyNumberOfSlicesAndIsa) {
  const Tensor x = random_tensor({3, 37, 7, 7}, 2);
  const Tensor want = run_op("GlobalAveragePool", 1, {}, {x}, {.isa = Isa::portable, .parts = 1});
  for (const int parts : {1, 2, 5})
    EXPECT_TRUE(same_bytes(run_op("GlobalAveragePool", 1, {}, {x}, {.parts = parts}), want));
}

}  // namespace
}  // namespace adze::testing
