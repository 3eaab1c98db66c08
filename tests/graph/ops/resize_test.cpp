// Numbers without a derivation beside them come from ONNX's reference implementation.
#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/permuted_op.h"
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

TEST(Resize, InterpolatesInEveryCoordinateMode) {
  struct Case {
    const char* coordinates;
    Floats linear_down, cubic_down, linear_up, cubic_up;
  };
  const Case cases[] = {
      {"half_pixel",
       {1.3333333f, 3, 4.6666665f, 6.3333330f},
       {1.2592607f, 3, 4.6296272f, 6.3703699f},
       {1, 1.4f, 2, 2.6f, 3},
       {0.904f, 1.316f, 2, 2.684f, 3.096f}},
      {"half_pixel_symmetric",
       {2, 3.6666667f, 5.3333335f, 7},
       {2, 3.6296303f, 5.3703732f, 7},
       {1, 1.4f, 2, 2.6f, 3},
       {0.904f, 1.316f, 2, 2.684f, 3.096f}},
      {"pytorch_half_pixel",
       {1.3333333f, 3, 4.6666665f, 6.3333330f},
       {1.2592607f, 3, 4.6296272f, 6.3703699f},
       {1, 1.4f, 2, 2.6f, 3},
       {0.904f, 1.316f, 2, 2.684f, 3.096f}},
      {"align_corners",
       {1, 2.8421052f, 4.6842103f, 6.5263157f},
       {1, 2.7966185f, 4.6444073f, 6.5197554f},
       {1, 1.5f, 2, 2.5f, 3},
       {1, 1.40625f, 2, 2.59375f, 3}},
      {"asymmetric",
       {1, 2.6666665f, 4.3333330f, 6},
       {1, 2.6296291f, 4.3703728f, 6},
       {1, 1.6f, 2.2f, 2.8f, 3},
       {1, 1.504f, 2.272f, 2.848f, 3.108f}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.coordinates);
    const auto with = [&](const char* mode) {
      return AttributeList{{"mode", std::string(mode)}, {"coordinate_transformation_mode", std::string(c.coordinates)}};
    };
    expect_values(run_op("Resize", 19, with("linear"), {ramp(8), kNone, reals({0.6f})}), {4}, c.linear_down, 1e-5f);
    expect_values(run_op("Resize", 19, with("cubic"), {ramp(8), kNone, reals({0.6f})}), {4}, c.cubic_down, 1e-5f);
    expect_values(run_op("Resize", 19, with("linear"), {ramp(3), kNone, kNone, ints({5})}), {5}, c.linear_up, 1e-5f);
    expect_values(run_op("Resize", 19, with("cubic"), {ramp(3), kNone, kNone, ints({5})}), {5}, c.cubic_up, 1e-5f);
  }
}

TEST(Resize, RoundsToTheNearestInEveryMode) {
  struct Case {
    const char* mode;
    Floats half_pixel, align_corners;  // 4 to 8, 4 to 7
  };
  const Case cases[] = {{"round_prefer_floor", {1, 1, 2, 2, 3, 3, 4, 4}, {1, 1, 2, 2, 3, 3, 4}},
                        {"round_prefer_ceil", {1, 1, 2, 2, 3, 3, 4, 4}, {1, 2, 2, 3, 3, 4, 4}},
                        {"floor", {1, 1, 1, 2, 2, 3, 3, 4}, {1, 1, 2, 2, 3, 3, 4}},
                        {"ceil", {1, 2, 2, 3, 3, 4, 4, 4}, {1, 2, 2, 3, 3, 4, 4}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.mode);
    const std::pair<std::string, Attribute> mode = {"nearest_mode", std::string(c.mode)};
    expect_values(run_op("Resize", 13, {mode}, {ramp(4), kNone, kNone, ints({8})}), {8}, c.half_pixel);
    expect_values(run_op("Resize", 13, {mode, {"coordinate_transformation_mode", std::string("align_corners")}},
                         {ramp(4), kNone, kNone, ints({7})}),
                  {7}, c.align_corners);
  }
}

TEST(Resize, AveragesWhereAntialiasingShrinks) {
  const auto with = [](const char* mode) {
    return AttributeList{{"mode", std::string(mode)}, {"antialias", std::int64_t{1}}};
  };
  expect_values(run_op("Resize", 18, with("linear"), {ramp(8), kNone, reals({0.6f})}), {4}, {1.375f, 3, 4.75f, 6.25f},
                1e-5f);
  expect_values(run_op("Resize", 18, with("cubic"), {ramp(8), kNone, reals({0.6f})}), {4},
                {1.3036139f, 2.9857166f, 4.6867461f, 6.3566266f}, 1e-5f);
}

TEST(Resize, ExcludesTheOutside) {
  expect_values(run_op("Resize", 13,
                       {{"mode", std::string("cubic")}, {"exclude_outside", std::int64_t{1}}, {"cubic_coeff_a", -0.5f}},
                       {ramp(3), kNone, kNone, ints({5})}),
                {5}, {0.9245281f, 1.30597f, 2, 2.69403f, 3.0754719f}, 1e-5f);
}

TEST(Resize, CropsARegionAndExtrapolates) {
  const AttributeList crop = {{"mode", std::string("linear")},
                              {"coordinate_transformation_mode", std::string("tf_crop_and_resize")},
                              {"extrapolation_value", 10.0f}};
  expect_values(run_op("Resize", 13, crop, {ramp(4), reals({-0.2f, 0.8f}), kNone, ints({4})}), {4},
                {10, 1.4f, 2.4f, 3.4f}, 1e-5f);
  AttributeList nearest = crop;
  nearest[0].second = std::string("nearest");
  const Tensor bytes = tensor_of<std::uint8_t>({4}, {1, 2, 3, 4});
  EXPECT_EQ(values<std::uint8_t>(run_op("Resize", 13, nearest, {bytes, reals({-0.2f, 0.8f}), kNone, ints({4})})),
            (std::vector<std::uint8_t>{10, 1, 2, 3}));
  EXPECT_FALSE(try_op("Resize", 13, crop, {ramp(4), kNone, kNone, ints({4})}).has_value()) << "without a region";
}

TEST(Resize, IsSeparable) {
  const Tensor x = random_tensor({2, 3, 6, 5}, 1);
  for (const char* mode : {"linear", "cubic"}) {
    const AttributeList with = {{"mode", std::string(mode)}};
    const Tensor whole = run_op("Resize", 13, with, {x, kNone, kNone, ints({2, 5, 4, 9})});
    Tensor steps = run_op("Resize", 13, with, {x, kNone, kNone, ints({2, 3, 6, 9})});
    steps = run_op("Resize", 13, with, {steps, kNone, kNone, ints({2, 5, 6, 9})});
    steps = run_op("Resize", 13, with, {steps, kNone, kNone, ints({2, 5, 4, 9})});
    expect_values(whole, {2, 5, 4, 9}, values<float>(steps), 1e-5f);
  }
}

TEST(Resize, KeepsTheAspectRatio) {
  const Tensor x = tensor({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const auto shape = [&](const char* policy) {
    return to_string(
        run_op("Resize", 18, {{"keep_aspect_ratio_policy", std::string(policy)}}, {x, kNone, kNone, ints({8, 6})})
            .shape());
  };
  EXPECT_EQ(shape("stretch"), "8x6");
  EXPECT_EQ(shape("not_larger"), "8x4");
  EXPECT_EQ(shape("not_smaller"), "12x6");
  EXPECT_FALSE(
      try_op("Resize", 18, {{"keep_aspect_ratio_policy", std::string("other")}}, {x, kNone, kNone, ints({8, 6})})
          .has_value());
}

TEST(Resize, TakesScalesForSomeAxes) {
  const Tensor x = tensor({1, 2, 2}, {1, 2, 3, 4});
  const AttributeList axes = {{"axes", Ints{-1, 1}}};
  expect_values(run_op("Resize", 18, axes, {x, kNone, reals({2, 1})}), {1, 2, 4}, {1, 1, 2, 2, 3, 3, 4, 4});
  expect_values(run_op("Resize", 18, axes, {x, kNone, kNone, ints({2, 4})}), {1, 4, 2}, {1, 2, 1, 2, 3, 4, 3, 4});
}

TEST(Resize, TreatsEmptyInputsAsLeftOut) {
  const Tensor x = tensor({1, 2}, {1, 2});
  expect_values(run_op("Resize", 11, {}, {x, reals({}), reals({}), ints({1, 4})}), {1, 4}, {1, 1, 2, 2});
  expect_values(run_op("Resize", 13, {}, {x, reals({}), reals({1, 2})}), {1, 4}, {1, 1, 2, 2});
}

TEST(Resize, InVersion10KnowsOnlyScales) {
  const Tensor x = tensor({1, 4}, {1, 2, 3, 4});
  expect_values(run_op("Resize", 10, {}, {x, reals({1, 0.6f})}), {1, 2}, {1, 3});
  expect_values(run_op("Resize", 10, {{"mode", std::string("linear")}}, {tensor({2}, {1, 2}), reals({2})}), {4},
                {1, 1.5f, 2, 2});
}

TEST(Upsample, TakesScalesFromAttributeThenInput) {
  const Tensor x = tensor({1, 1, 2, 2}, {1, 2, 3, 4});
  const Floats want = {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4};
  expect_values(run_op("Upsample", 7, {{"scales", Floats{1, 1, 2, 3}}}, {x}), {1, 1, 4, 6}, want);
  expect_values(run_op("Upsample", 9, {}, {x, reals({1, 1, 2, 3})}), {1, 1, 4, 6}, want);
  expect_values(run_op("Upsample", 10, {}, {x, reals({1, 1, 2, 3})}), {1, 1, 4, 6}, want);
}

TEST(Resize, MovesElementsOfEveryType) {
  const Tensor x = tensor({2}, {3, 100});
  const auto nearest = [&](const Tensor& data) { return run_op("Resize", 13, {}, {data, kNone, kNone, ints({4})}); };
  EXPECT_EQ(values<std::int8_t>(nearest(cast_to<std::int8_t>(x))), (std::vector<std::int8_t>{3, 3, 100, 100}));
  EXPECT_EQ(values<std::uint16_t>(nearest(cast_to<std::uint16_t>(x))), (std::vector<std::uint16_t>{3, 3, 100, 100}));
  EXPECT_EQ(values<double>(nearest(cast_to<double>(x))), (std::vector<double>{3, 3, 100, 100}));
  EXPECT_EQ(values<bool>(nearest(tensor_of<bool>({2}, {false, true}))), (std::vector<bool>{false, false, true, true}));
}

TEST(Resize, RoundsAndClampsInterpolatedIntegers) {
  const Tensor x = tensor_of<std::uint8_t>({4}, {0, 0, 255, 255});
  // 0 + 0.75 (255 - 0) = 191.25; cubic would leave the type's range on either side.
  EXPECT_EQ(values<std::uint8_t>(run_op("Resize", 13, {{"mode", std::string("linear")}}, {x, kNone, kNone, ints({8})})),
            (std::vector<std::uint8_t>{0, 0, 0, 64, 191, 255, 255, 255}));
  const auto cubic =
      values<std::uint8_t>(run_op("Resize", 13, {{"mode", std::string("cubic")}}, {x, kNone, kNone, ints({8})}));
  EXPECT_EQ(cubic[1], 0);
  EXPECT_EQ(cubic[6], 255);
  EXPECT_EQ(values<double>(run_op("Resize", 13, {{"mode", std::string("linear")}},
                                  {tensor_of<double>({2}, {0, 1}), kNone, kNone, ints({4})})),
            (std::vector<double>{0, 0.25, 0.75, 1}));
}

TEST(Resize, CopiesWhereNothingChanges) {
  const float kNaN = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = tensor({2, 2}, {1, kNaN, 3, 4});
  EXPECT_TRUE(same_bytes(run_op("Resize", 13, {{"mode", std::string("linear")}}, {x, kNone, reals({1, 1})}), x));
}

TEST(Resize, LetsNoNeighbourIntoAnExactPosition) {
  const float kInfinity = std::numeric_limits<float>::infinity();
  const AttributeList corners = {{"mode", std::string("linear")},
                                 {"coordinate_transformation_mode", std::string("align_corners")}};
  const Tensor y = run_op("Resize", 13, corners, {tensor({3}, {1, kInfinity, 2}), kNone, kNone, ints({5})});
  EXPECT_EQ(values<float>(y), (Floats{1, kInfinity, kInfinity, kInfinity, 2}));
}

TEST(Resize, MayEmptyAnAxisButNotFillAnEmptyOne) {
  EXPECT_EQ(to_string(run_op("Resize", 13, {}, {ramp(4), kNone, kNone, ints({0})}).shape()), "0");
  EXPECT_EQ(to_string(run_op("Resize", 13, {}, {ramp(2), kNone, reals({0.3f})}).shape()), "0");
  EXPECT_FALSE(try_op("Resize", 13, {}, {tensor({0}, {}), kNone, kNone, ints({2})}).has_value());
  // The other axis would need a table of 2^40 entries if anything were sampled.
  EXPECT_EQ(
      to_string(
          run_op("Resize", 13, {}, {tensor({0, 2}, {}), kNone, kNone, ints({0, Ints::value_type{1} << 40})}).shape()),
      "0x1099511627776");
}

TEST(Resize, RefusesWhatMakesNoSense) {
  const auto fails = [](const AttributeList& attributes, const std::vector<Tensor>& inputs) {
    return !try_op("Resize", 18, attributes, inputs).has_value();
  };
  EXPECT_TRUE(fails({}, {ramp(4), kNone, kNone, ints({-1})}));
  EXPECT_TRUE(fails({}, {ramp(4), kNone, kNone, ints({1, 2})}));
  EXPECT_TRUE(fails({}, {ramp(4), kNone, reals({0})}));
  EXPECT_TRUE(fails({}, {ramp(4), kNone, reals({-2})}));
  EXPECT_TRUE(fails({}, {ramp(4), kNone, reals({std::numeric_limits<float>::quiet_NaN()})}));
  EXPECT_TRUE(fails({}, {ramp(4), kNone, reals({std::numeric_limits<float>::infinity()})}));
  EXPECT_TRUE(fails({}, {ramp(4), kNone, reals({1e30f})}));
  EXPECT_TRUE(fails({}, {ramp(4)}));
  EXPECT_TRUE(fails({{"axes", Ints{1}}}, {ramp(4), kNone, reals({2})}));
  EXPECT_TRUE(fails({{"axes", Ints{0, 0}}}, {ramp(4), kNone, reals({2, 2})}));
  EXPECT_TRUE(fails({{"mode", std::string("sinc")}}, {ramp(4), kNone, reals({2})}));
  EXPECT_TRUE(fails({{"nearest_mode", std::string("up")}}, {ramp(4), kNone, reals({2})}));
  EXPECT_TRUE(fails({{"coordinate_transformation_mode", std::string("")}}, {ramp(4), kNone, reals({2})}));
  EXPECT_TRUE(fails({}, {tensor({}, {1}), kNone, reals({})}));
}

TEST(Resize, MovesBehindTransposes) {
  const Tensor x = random_tensor({2, 3, 6, 5}, 2);
  const std::vector<std::vector<int>> perms = {{0, 2, 3, 1}, {3, 1, 0, 2}};
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    const AttributeList with = {{"mode", std::string(mode)}};
    expect_permutable("Resize", 13, with, {x, kNone, kNone, ints({2, 3, 9, 4})}, perms);
    expect_permutable("Resize", 13, with, {x, kNone, reals({1, 1, 2, 2})}, perms);
    expect_permutable("Resize", 13, with, {x, kNone, reals({1, 2, 0.5f, 2})}, perms);
  }
  expect_permutable("Resize", 18, {{"axes", Ints{3, 2}}}, {x, kNone, kNone, ints({7, 4})}, perms);
  expect_permutable(
      "Resize", 13,
      {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("tf_crop_and_resize")}},
      {x, reals({0, 0, 0.1f, 0.3f, 1, 1, 1.1f, 0.9f}), kNone, ints({2, 3, 4, 4})}, perms);
  expect_permutable("Upsample", 7, {{"scales", Floats{1, 1, 2, 2}}}, {x}, perms);
}

TEST(Resize, IsTheSameForAnyNumberOfSlicesAndIsa) {
  const Tensor x = random_tensor({2, 17, 33, 19}, 3);
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    const AttributeList with = {{"mode", std::string(mode)}};
    const std::vector<Tensor> inputs = {x, kNone, reals({1, 1.7f, 0.8f, 1})};
    const Tensor want = run_op("Resize", 13, with, inputs, {.isa = Isa::portable, .parts = 1});
    for (const int parts : {1, 3, 8})
      EXPECT_TRUE(same_bytes(run_op("Resize", 13, with, inputs, {.parts = parts}), want));
  }
}

}  // namespace
}  // namespace adze::testing
