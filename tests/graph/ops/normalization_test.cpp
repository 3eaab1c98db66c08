#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Floats = std::vector<float>;

// (x - mean) / sqrt(variance + epsilon) over the listed elements.
Floats normalised(const Floats& x, double epsilon) {
  double mean = 0, variance = 0;
  for (const float value : x) mean += value / double(x.size());
  for (const float value : x) variance += (value - mean) * (value - mean) / double(x.size());
  Floats result;
  for (const float value : x) result.push_back(static_cast<float>((value - mean) / std::sqrt(variance + epsilon)));
  return result;
}

TEST(BatchNormalization, UsesTheGivenStatistics) {
  const std::vector<Tensor> inputs = {tensor({1, 2, 2}, {1, 2, 3, 4}), tensor({2}, {2, 3}), tensor({2}, {10, 20}),
                                      tensor({2}, {1, 3}), tensor({2}, {4, 0.25f})};
  for (const int opset : {7, 9, 14, 15}) {
    expect_values(run_op("BatchNormalization", opset, {{"epsilon", 0.0f}}, inputs), {1, 2, 2}, {10, 11, 20, 26});
  }
  // epsilon: 4 + 5 = 9, 0.25 + 5.
  expect_values(run_op("BatchNormalization", 15, {{"epsilon", 5.0f}}, inputs), {1, 2, 2},
                {10, 10 + 2.0f / 3, 20, 20 + 3 / std::sqrt(5.25f)});
}

TEST(BatchNormalization, TakesMatricesAndVolumes) {
  const std::vector<Tensor> parameters = {tensor({2}, {2, 3}), tensor({2}, {10, 20}), tensor({2}, {1, 3}),
                                          tensor({2}, {1, 1})};
  const auto run = [&](const Tensor& x) {
    return run_op("BatchNormalization", 15, {{"epsilon", 0.0f}},
                  {x, parameters[0], parameters[1], parameters[2], parameters[3]});
  };
  expect_values(run(tensor({2, 2}, {1, 3, 2, 4})), {2, 2}, {10, 20, 12, 23});
  expect_values(run(tensor({1, 2, 1, 1, 2}, {1, 2, 3, 4})), {1, 2, 1, 1, 2}, {10, 12, 20, 23});
}

TEST(BatchNormalization, MixesTypesFromVersion15) {
  const Tensor half = cast_to<Float16>(tensor({1, 1, 2}, {1, 2}));
  const Tensor y =
      run_op("BatchNormalization", 15, {{"epsilon", 0.0f}},
             {half, tensor({1}, {2}), tensor({1}, {1}), tensor_of<double>({1}, {1}), tensor_of<double>({1}, {4})});
  EXPECT_EQ(static_cast<float>(values<Float16>(y)[0]), 1);
  EXPECT_EQ(static_cast<float>(values<Float16>(y)[1]), 2);
}

TEST(BatchNormalization, InTrainingUsesTheBatchAndUpdatesTheRunningStatistics) {
  // Two images of two channels; channel 0 holds 1 2 5 8, channel 1 holds 3 4 7 10.
  const std::vector<Tensor> inputs = {tensor({2, 2, 2}, {1, 2, 3, 4, 5, 8, 7, 10}), tensor({2}, {2, 3}),
                                      tensor({2}, {10, 20}), tensor({2}, {1, 3}), tensor({2}, {4, 0.25f})};
  const auto first = normalised({1, 2, 5, 8}, 0.5), second = normalised({3, 4, 7, 10}, 0.5);
  Floats y;
  for (const std::size_t i : {0u, 2u}) {
    for (std::size_t j = i; j < i + 2; j++) y.push_back(2 * first[j] + 10);
    for (std::size_t j = i; j < i + 2; j++) y.push_back(3 * second[j] + 20);
  }
  const auto modern =
      run_op_outputs("BatchNormalization", 15,
                     {{"training_mode", std::int64_t{1}}, {"momentum", 0.75f}, {"epsilon", 0.5f}}, inputs, 3);
  expect_values(modern[0], {2, 2, 2}, y, 1e-5f);
  expect_values(modern[1], {2}, {0.75f * 1 + 0.25f * 4, 0.75f * 3 + 0.25f * 6});
  expect_values(modern[2], {2}, {0.75f * 4 + 0.25f * 7.5f, 0.75f * 0.25f + 0.25f * 7.5f});
  const auto old = run_op_outputs("BatchNormalization", 9, {{"momentum", 0.75f}, {"epsilon", 0.5f}}, inputs, 5);
  for (std::size_t i = 0; i < 3; i++) EXPECT_TRUE(same_bytes(old[i], modern[i]));
  expect_values(old[3], {2}, {4, 6});
  expect_values(old[4], {2}, {7.5f, 7.5f});
}

TEST(BatchNormalization, TrainingGivesStatisticsInTheirOwnType) {
  const auto y = run_op_outputs("BatchNormalization", 14, {{"training_mode", std::int64_t{1}}, {"momentum", 0.0f}},
                                {cast_to<Float16>(tensor({2, 1}, {1, 3})), cast_to<Float16>(tensor({1}, {1})),
                                 cast_to<Float16>(tensor({1}, {0})), tensor({1}, {0}), tensor({1}, {1})},
                                3);
  EXPECT_EQ(y[0].type(), DType::f16);
  expect_values(y[1], {1}, {2});
  expect_values(y[2], {1}, {1});
}

TEST(BatchNormalization, RefusesWrongParameters) {
  const Tensor x = tensor({1, 2, 2}, {1, 2, 3, 4}), two = tensor({2}, {1, 1}), three = tensor({3}, {1, 1, 1});
  EXPECT_FALSE(try_op("BatchNormalization", 7, {{"spatial", std::int64_t{0}}}, {x, two, two, two, two}).has_value());
  EXPECT_FALSE(try_op("BatchNormalization", 15, {}, {x, two, two, two, three}).has_value());
  EXPECT_FALSE(try_op("BatchNormalization", 15, {}, {x, two, two, two, two}, 3).has_value());
}

TEST(InstanceNormalization, NormalisesEachChannelOfEachImage) {
  const Tensor x = tensor({2, 2, 3}, {1, 2, 4, -1, 0, 7, 5, 5, 6, 100, 102, 107});
  const Tensor y =
      run_op("InstanceNormalization", 6, {{"epsilon", 0.01f}}, {x, tensor({2}, {1, 2}), tensor({2}, {0, -3})});
  const auto first = normalised({1, 2, 4}, 0.01f), last = normalised({100, 102, 107}, 0.01f);
  for (std::size_t i = 0; i < 3; i++) {
    EXPECT_NEAR(y.as<float>()[i], first[i], 1e-6f);
    EXPECT_NEAR(y.as<float>()[9 + i], 2 * last[i] - 3, 1e-5f);
  }
}

TEST(GroupNormalization, NormalisesGroupsOfChannels) {
  const Tensor x = tensor({1, 4, 2}, {1, 2, 4, -1, 0, 7, 5, 9});
  const auto low = normalised({1, 2, 4, -1}, 1e-5), high = normalised({0, 7, 5, 9}, 1e-5);
  const std::pair<std::string, Attribute> groups = {"num_groups", std::int64_t{2}};
  // Version 21 scales by channel, 18 by group.
  Tensor y = run_op("GroupNormalization", 21, {groups}, {x, tensor({4}, {1, 2, 3, 4}), tensor({4}, {0, 0, 0, 1})});
  expect_values(y, {1, 4, 2},
                {low[0], low[1], 2 * low[2], 2 * low[3], 3 * high[0], 3 * high[1], 4 * high[2] + 1, 4 * high[3] + 1},
                1e-5f);
  y = run_op("GroupNormalization", 18, {groups}, {x, tensor({2}, {1, 2}), tensor({2}, {0, 1})});
  expect_values(y, {1, 4, 2},
                {low[0], low[1], low[2], low[3], 2 * high[0] + 1, 2 * high[1] + 1, 2 * high[2] + 1, 2 * high[3] + 1},
                1e-5f);
  EXPECT_FALSE(try_op("GroupNormalization", 21, {{"num_groups", std::int64_t{3}}},
                      {x, tensor({4}, {1, 2, 3, 4}), tensor({4}, {0, 0, 0, 1})})
                   .has_value());
  EXPECT_FALSE(try_op("GroupNormalization", 21, {groups}, {x, tensor({2}, {1, 2}), tensor({2}, {0, 1})}).has_value());
}

TEST(LayerNormalization, NormalisesFromTheAxisOnAndGivesStatistics) {
  const Tensor x = tensor({2, 1, 3}, {1, 2, 6, -4, 0, 1});
  const Tensor scale = tensor({3}, {1, 2, 3}), bias = tensor({3}, {0, 1, 0});
  const auto outputs = run_op_outputs("LayerNormalization", 17, {}, {x, scale, bias}, 3);
  const auto first = normalised({1, 2, 6}, 1e-5);
  EXPECT_EQ(to_string(outputs[1].shape()), "2x1x1");
  EXPECT_NEAR(outputs[1].as<float>()[0], 3, 1e-6f);
  EXPECT_NEAR(outputs[2].as<float>()[0], 1 / std::sqrt(14.0 / 3 + 1e-5), 1e-6f);
  for (std::size_t i = 0; i < 3; i++) {
    EXPECT_NEAR(outputs[0].as<float>()[i], first[i] * scale.as<float>()[i] + bias.as<float>()[i], 1e-5f);
  }
}

TEST(LayerNormalization, TakesSeveralAxesAndNoBias) {
  const Tensor x = tensor({1, 2, 2}, {1, 2, 6, 0});
  const auto want = normalised({1, 2, 6, 0}, 1e-5);
  const Tensor y = run_op("LayerNormalization", 17, {{"axis", std::int64_t{1}}}, {x, tensor({2, 2}, {1, 1, 1, 1})});
  expect_values(y, {1, 2, 2}, want, 1e-5f);
}

TEST(LayerNormalization, WorksInOtherTypes) {
  const Tensor x = tensor({1, 3}, {1, 2, 6}), ones = tensor({3}, {1, 1, 1});
  const auto want = normalised({1, 2, 6}, 1e-5);
  const Tensor y = run_op("LayerNormalization", 17, {}, {cast_to<double>(x), cast_to<double>(ones)});
  for (std::size_t i = 0; i < 3; i++) EXPECT_NEAR(values<double>(y)[i], want[i], 1e-6);
}

TEST(LayerNormalization, RefusesAWrongScale) {
  EXPECT_FALSE(try_op("LayerNormalization", 17, {}, {tensor({1, 3}, {1, 2, 6}), tensor({2}, {1, 1})}).has_value());
}

TEST(LocalResponse, NormalisesAcrossChannels) {
  const Tensor x = tensor({1, 4, 1}, {1, 2, 3, 4});
  const auto lrn = [&](std::int64_t size) {
    return run_op("LRN", 13, {{"size", size}, {"alpha", 0.5f}, {"beta", 0.75f}, {"bias", 2.0f}}, {x});
  };
  const auto of = [](float value, float squares, float size) {
    return value / std::pow(2 + 0.5f / size * squares, 0.75f);
  };
  expect_values(lrn(3), {1, 4, 1}, {of(1, 5, 3), of(2, 14, 3), of(3, 29, 3), of(4, 25, 3)});
  // An even window has one more channel behind than before.
  expect_values(lrn(2), {1, 4, 1}, {of(1, 5, 2), of(2, 13, 2), of(3, 25, 2), of(4, 16, 2)});
}

TEST(Normalization, IsTheSameForAnyNumberOfSlicesAndIsa) {
  const Tensor x = random_tensor({3, 21, 9, 9}, 1, -5, 5), c = random_tensor({21}, 2, 0.5f, 2);
  const Tensor cols = random_tensor({9}, 3);
  const auto check = [&](const char* name, int opset, const AttributeList& attributes,
                         const std::vector<Tensor>& inputs) {
    const Tensor want = run_op(name, opset, attributes, inputs, {.isa = Isa::portable, .parts = 1});
    for (const int parts : {1, 2, 5}) {
      EXPECT_TRUE(same_bytes(run_op(name, opset, attributes, inputs, {.parts = parts}), want)) << name << ' ' << parts;
    }
  };
  check("BatchNormalization", 15, {}, {x, c, c, c, c});
  check("InstanceNormalization", 6, {}, {x, c, c});
  check("GroupNormalization", 21, {{"num_groups", std::int64_t{3}}}, {x, c, c});
  check("LayerNormalization", 17, {}, {x, cols, cols});
  check("LRN", 13, {{"size", std::int64_t{5}}}, {x});
}

}  // namespace
}  // namespace adze::testing
