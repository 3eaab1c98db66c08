// Behaviours 5 and 6: what tests/graph/ops/resize_test.cpp leaves of Resize and Upsample. Numbers without a derivation
// beside them come from ONNX's reference implementation.
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const Tensor kNone;

Tensor ramp(std::int64_t n) {
  Floats values;
  for (std::int64_t i = 1; i <= n; i++) values.push_back(static_cast<float>(i));
  return tensor({n}, values);
}
Tensor reals(Floats values) {
  const Shape shape = {static_cast<std::int64_t>(values.size())};
  return tensor(shape, std::move(values));
}
AttributeList mode(const char* name, AttributeList more = {}) {
  more.emplace_back("mode", std::string(name));
  return more;
}
std::pair<std::string, Attribute> coordinates(const char* name) {
  return {"coordinate_transformation_mode", std::string(name)};
}

TEST(Behaviour05, OneElementIsTakenFromWhereEachModeLooks) {
  const auto middle = [](const char* name) {
    return values<float>(run_op("Resize", 19, mode("linear", {coordinates(name)}), {ramp(4), kNone, kNone, ints({1})}));
  };
  EXPECT_EQ(middle("half_pixel"), (Floats{2.5f}));
  EXPECT_EQ(middle("half_pixel_symmetric"), (Floats{2.5f}));
  EXPECT_EQ(middle("pytorch_half_pixel"), (Floats{1}));
  EXPECT_EQ(middle("align_corners"), (Floats{1}));
  EXPECT_EQ(middle("asymmetric"), (Floats{1}));
  // Half way between the region's ends: 0.5 * (0.2 + 0.6) * 4.
  const AttributeList crop = mode("linear", {coordinates("tf_crop_and_resize")});
  expect_values(run_op("Resize", 13, crop, {ramp(5), reals({0.2f, 0.6f}), kNone, ints({1})}), {1}, {2.6f});
}

TEST(Behaviour05, HalfPixelSymmetricDiffersWhereTheScaleIsRounded) {
  const auto up = [](const char* name) {
    return run_op("Resize", 19, mode("linear", {coordinates(name)}), {ramp(4), kNone, reals({1.3f})});
  };
  expect_values(up("half_pixel"), {5}, {1, 1.653846f, 2.423077f, 3.192308f, 3.961539f});
  expect_values(up("half_pixel_symmetric"), {5}, {1, 1.730769f, 2.5f, 3.269231f, 4});
}

TEST(Behaviour05, TfHalfPixelForNearestOfVersions11And12) {
  // (i + 0.5) / 1.5 is 1/3, 1, 5/3, 7/3, 3, 11/3.
  expect_values(
      run_op("Resize", 11, mode("nearest", {coordinates("tf_half_pixel_for_nn")}), {ramp(4), reals({}), reals({1.5f})}),
      {6}, {1, 2, 3, 3, 4, 4});
}

TEST(Behaviour05, NearestModesInAsymmetricAndShrinkingHalfPixel) {
  struct Case {
    const char* name;
    Floats doubled, by_half_more, shrunk;
  };
  for (const Case& c : {Case{"floor", {1, 1, 2, 2, 3, 3, 4, 4}, {1, 1, 2, 3, 3, 4}, {1, 2, 4, 5}},
                        Case{"ceil", {1, 2, 2, 3, 3, 4, 4, 4}, {1, 2, 3, 3, 4, 4}, {2, 3, 5, 6}},
                        Case{"round_prefer_floor", {1, 1, 2, 2, 3, 3, 4, 4}, {1, 2, 2, 3, 4, 4}, {1, 3, 4, 6}},
                        Case{"round_prefer_ceil", {1, 2, 2, 3, 3, 4, 4, 4}, {1, 2, 2, 3, 4, 4}, {1, 3, 4, 6}}}) {
    SCOPED_TRACE(c.name);
    const AttributeList nearest = mode("nearest", {{"nearest_mode", std::string(c.name)}});
    AttributeList asymmetric = nearest;
    asymmetric.push_back(coordinates("asymmetric"));
    expect_values(run_op("Resize", 13, asymmetric, {ramp(4), kNone, reals({2})}), {8}, c.doubled);
    expect_values(run_op("Resize", 13, asymmetric, {ramp(4), kNone, reals({1.5f})}), {6}, c.by_half_more);
    expect_values(run_op("Resize", 13, nearest, {ramp(6), kNone, kNone, ints({4})}), {4}, c.shrunk);
  }
}

TEST(Behaviour05, ExcludeOutsideRenormalisesWhileShrinkingToo) {
  const std::pair<std::string, Attribute> exclude = {"exclude_outside", std::int64_t{1}};
  expect_values(run_op("Resize", 19, mode("cubic", {exclude}), {ramp(8), kNone, reals({0.6f})}), {4},
                {1.233334f, 3, 4.629631f, 6.370371f}, 1e-5f);
  // It changes nothing for linear without antialiasing: what lies outside is the border there.
  expect_values(run_op("Resize", 19, mode("linear", {exclude}), {ramp(8), kNone, reals({0.6f})}), {4},
                {1.333333f, 3, 4.666667f, 6.333333f}, 1e-5f);
}

TEST(Behaviour05, CubicCoefficient) {
  expect_values(run_op("Resize", 13, mode("cubic", {{"cubic_coeff_a", -0.5f}}), {ramp(3), kNone, kNone, ints({5})}),
                {5}, {0.936f, 1.328f, 2, 2.672f, 3.064f}, 1e-5f);
}

TEST(Behaviour05, AntialiasWidensOnlyWhereItShrinks) {
  const std::pair<std::string, Attribute> antialias = {"antialias", std::int64_t{1}};
  const std::pair<std::string, Attribute> exclude = {"exclude_outside", std::int64_t{1}};
  const Tensor squares = tensor({8}, {64, 49, 36, 25, 16, 9, 4, 1});
  expect_values(run_op("Resize", 19, mode("linear", {antialias}), {squares, kNone, reals({0.35f})}), {2},
                {49.09565f, 18.85088f}, 1e-4f);
  expect_values(run_op("Resize", 19, mode("cubic", {antialias}), {squares, kNone, reals({0.35f})}), {2},
                {50.84665f, 17.47784f}, 1e-4f);
  expect_values(run_op("Resize", 19, mode("linear", {antialias, exclude}), {ramp(8), kNone, reals({0.6f})}), {4},
                {1.428571f, 3, 4.75f, 6.25f}, 1e-5f);
  expect_values(run_op("Resize", 19, mode("cubic", {antialias, exclude}), {ramp(8), kNone, reals({0.6f})}), {4},
                {1.321428f, 2.957748f, 4.686746f, 6.424942f}, 1e-5f);
  for (const char* name : {"linear", "cubic"}) {
    const std::vector<Tensor> inputs = {ramp(5), kNone, kNone, ints({8})};
    EXPECT_TRUE(
        same_bytes(run_op("Resize", 18, mode(name, {antialias}), inputs), run_op("Resize", 18, mode(name), inputs)));
  }
}

TEST(Behaviour05, RegionsFollowAxesAndExtrapolateWholeRows) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const AttributeList crop = mode("linear", {coordinates("tf_crop_and_resize"), {"extrapolation_value", -1.0f}});
  const Floats want = {2.5f, 4.5f, 4, 6, -1, -1};
  expect_values(run_op("Resize", 13, crop, {x, reals({0.5f, 0, 1.5f, 1}), kNone, ints({3, 2})}), {3, 2}, want);
  AttributeList swapped = crop;
  swapped.emplace_back("axes", Ints{1, 0});
  expect_values(run_op("Resize", 18, swapped, {x, reals({0, 0.5f, 1, 1.5f}), kNone, ints({2, 3})}), {3, 2}, want);
}

TEST(Behaviour05, AspectRatioPolicyLooksAtTheGivenAxesAlone) {
  const Tensor x = random_tensor({4, 2, 6}, 1);
  const auto shape = [&](const char* policy) {
    const AttributeList with = {{"axes", Ints{2, 0}}, {"keep_aspect_ratio_policy", std::string(policy)}};
    return run_op("Resize", 18, with, {x, kNone, kNone, ints({9, 8})}).shape();
  };
  EXPECT_EQ(shape("stretch"), (Shape{8, 2, 9}));
  EXPECT_EQ(shape("not_larger"), (Shape{6, 2, 9}));
  EXPECT_EQ(shape("not_smaller"), (Shape{8, 2, 12}));
  // A half is rounded up: 5 * 0.5.
  EXPECT_EQ(run_op("Resize", 18, {{"keep_aspect_ratio_policy", std::string("not_larger")}},
                   {random_tensor({4, 5}, 1), kNone, kNone, ints({2, 4})})
                .shape(),
            (Shape{2, 3}));
}

TEST(Behaviour05, ScalesAndSizesAreNotGivenTogether) {
  EXPECT_FALSE(try_op("Resize", 13, {}, {ramp(4), kNone, reals({2}), ints({8})}));
  EXPECT_FALSE(try_op("Resize", 13, {}, {ramp(4), kNone, reals({}), ints({})}));
}

TEST(Behaviour06, UpsampleOfVersions7And9AndBehindItsDeprecation) {
  const Tensor x = tensor({1, 1, 1, 2}, {1, 3});
  const Floats want = {1, 2, 3, 3};  // at 0, 0.5, 1 and 1.5 of the input
  expect_values(run_op("Upsample", 7, mode("linear", {{"scales", Floats{1, 1, 1, 2}}}), {x}), {1, 1, 1, 4}, want);
  for (const int opset : {9, 10, 13}) {
    expect_values(run_op("Upsample", opset, mode("linear"), {x, reals({1, 1, 1, 2})}), {1, 1, 1, 4}, want);
  }
  expect_values(run_op("Upsample", 9, {}, {x, reals({1, 1, 2, 1.5f})}), {1, 1, 2, 3}, {1, 1, 3, 1, 1, 3});
}

}  // namespace
}  // namespace adze::testing
