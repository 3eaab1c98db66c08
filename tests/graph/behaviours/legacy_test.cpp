// Behaviours 12, 13 and 28: what old versions said by attributes, and training operators while they infer.
#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Floats = std::vector<float>;
const std::int64_t kOne = 1, kZero = 0;

TEST(Behaviour12, ArithmeticBroadcastsOnlyWhereAskedAndFromItsAxis) {
  const Tensor a = tensor({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const auto legacy = [&](const char* op, const Tensor& b, AttributeList with) {
    with.emplace_back("broadcast", kOne);
    return try_op(op, 6, with, {a, b});
  };
  const Tensor last = tensor({2}, {10, 20}), middle = tensor({3}, {1, 2, 4}), one = tensor({1}, {2}),
               front = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values((*legacy("Add", last, {}))[0], {2, 3, 2}, {10, 21, 12, 23, 14, 25, 16, 27, 18, 29, 20, 31});
  expect_values((*legacy("Mul", middle, {{"axis", kOne}}))[0], {2, 3, 2}, {0, 1, 4, 6, 16, 20, 6, 7, 16, 18, 40, 44});
  expect_values((*legacy("Sub", front, {{"axis", kZero}}))[0], {2, 3, 2}, {-1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5});
  expect_values((*legacy("Div", one, {}))[0], {2, 3, 2}, {0, 0.5f, 1, 1.5f, 2, 2.5f, 3, 3.5f, 4, 4.5f, 5, 5.5f});
  expect_values((*legacy("Pow", one, {}))[0], {2, 3, 2}, {0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121}, 1e-4f);
  EXPECT_FALSE(legacy("Add", middle, {})) << "3 doesn't fit the last axis";
  EXPECT_FALSE(legacy("Add", last, {{"axis", std::int64_t{3}}}));
  // From version 7 on, both sides are broadcast and nothing asks for it.
  EXPECT_EQ(run_op("Add", 7, {}, {last, a}).shape(), a.shape());
}

TEST(Behaviour12, GemmOfVersion1BroadcastsItsBiasWhereAsked) {
  const Tensor a = tensor({2, 1}, {1, 2}), b = tensor({1, 2}, {3, 4}), c = tensor({2}, {10, 20});
  expect_values(run_op("Gemm", 6, {{"broadcast", kOne}}, {a, b, c}), {2, 2}, {13, 24, 16, 28});
  expect_values(run_op("Gemm", 1, {{"broadcast", kOne}, {"alpha", 2.0f}, {"beta", 0.5f}}, {a, b, tensor({}, {8})}),
                {2, 2}, {10, 12, 16, 20});
  expect_values(run_op("Gemm", 7, {}, {a, b, tensor({2, 1}, {10, 20})}), {2, 2}, {13, 14, 26, 28});
}

TEST(Behaviour12, ComparisonsAndLogicBroadcastTheOldWay) {
  const Tensor a = tensor({2, 2}, {1, 2, 3, 4}), b = tensor({2}, {2, 3});
  const AttributeList first = {{"broadcast", kOne}, {"axis", kZero}};
  EXPECT_EQ(values<bool>(run_op("Less", 1, first, {a, b})), (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(values<bool>(run_op("Greater", 1, first, {a, b})), (std::vector<bool>{false, false, false, true}));
  const Tensor p = tensor_of<bool>({2, 2}, {true, false, true, false}), q = tensor_of<bool>({2}, {true, false});
  EXPECT_EQ(values<bool>(run_op("And", 1, first, {p, q})), (std::vector<bool>{true, false, false, false}));
  EXPECT_EQ(values<bool>(run_op("Or", 1, first, {p, q})), (std::vector<bool>{true, true, true, false}));
}

TEST(Behaviour12, PReluSlopeFitsTheDataNeverTheOtherWayRound) {
  const Tensor x = tensor({1, 2, 2}, {-1, -2, -3, 4});
  expect_values(run_op("PRelu", 7, {}, {x, tensor({2, 1}, {2, 3})}), {1, 2, 2}, {-2, -4, -9, 4});
  expect_values(run_op("PRelu", 9, {}, {x, tensor({1}, {2})}), {1, 2, 2}, {-2, -4, -6, 4});
  EXPECT_FALSE(try_op("PRelu", 9, {}, {x, tensor({2, 2, 2}, Floats(8, 1))}));
}

TEST(Behaviour12, BatchNormalizationOfVersions1And6Infers) {
  const Tensor x = tensor({1, 2, 1, 2}, {1, 2, 3, 4}), two = tensor({2}, {2, 2}), zero = tensor({2}, {0, 0}),
               variance = tensor({2}, {1, 4});
  const std::vector<Tensor> inputs = {x, two, zero, zero, variance};
  const AttributeList test = {{"is_test", kOne}, {"epsilon", 0.0f}};
  for (const int opset : {1, 6})
    expect_values(run_op("BatchNormalization", opset, test, inputs), {1, 2, 1, 2}, {2, 4, 3, 4});
  AttributeList spatial = test;
  spatial.emplace_back("spatial", kOne);
  expect_values(run_op("BatchNormalization", 6, spatial, inputs), {1, 2, 1, 2}, {2, 4, 3, 4});
  EXPECT_EQ(values<float>(run_op("Dropout", 6, {{"is_test", kOne}, {"ratio", 0.5f}}, {x})), values<float>(x));
}

TEST(Behaviour12, BatchNormalizationWithStatisticsPerPositionIsRefusedByName) {
  const Tensor x = tensor({2, 1, 2}, {1, 2, 3, 4}), one = tensor({1, 2}, {1, 1});
  const auto refused = try_op("BatchNormalization", 7, {{"spatial", kZero}}, {x, one, one, one, one});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  EXPECT_NE(refused.error().message.find("spatial"), std::string::npos) << refused.error().message;
}

TEST(Behaviour13, ParametersMayBeOfAnotherTypeThanTheData) {
  const Tensor x = cast_to<Float16>(tensor({1, 2, 2}, {1, 2, 3, 4}));
  const Tensor scale = tensor({2}, {2, 1}), bias = tensor({2}, {1, 0});
  const Tensor mean = cast_to<double>(tensor({2}, {1, 3})), variance = cast_to<double>(tensor({2}, {4, 1}));
  const Tensor y = run_op("BatchNormalization", 15, {{"epsilon", 0.0f}}, {x, scale, bias, mean, variance});
  ASSERT_EQ(y.type(), DType::f16);
  const Floats want = {1, 2, 0, 1};
  for (std::size_t i = 0; i < 4; i++) EXPECT_EQ(static_cast<float>(y.as<Float16>()[i]), want[i]);
}

TEST(Behaviour13, EpsilonIsAddedToTheVarianceAndMomentumDoesNothingInInference) {
  const Tensor x = tensor({1, 1, 1}, {6}), one = tensor({1}, {1}), zero = tensor({1}, {0}), variance = tensor({1}, {3});
  const AttributeList with = {{"epsilon", 1.0f}, {"momentum", 0.1f}, {"training_mode", kZero}};
  expect_values(run_op("BatchNormalization", 14, with, {x, one, zero, zero, variance}), {1, 1, 1}, {3});
}

TEST(Behaviour28, TheMaskIsOfTheDatasTypeThenBoolAndAllOnesInInference) {
  const Tensor x = tensor({2}, {1, 2});
  EXPECT_EQ(values<float>(run_op_outputs("Dropout", 7, {}, {x}, 2)[1]), (Floats{1, 1}));
  EXPECT_EQ(values<bool>(run_op_outputs("Dropout", 10, {}, {x}, 2)[1]), (std::vector<bool>{true, true}));
  for (const int opset : {12, 13, 22}) {
    const auto y = run_op_outputs("Dropout", opset, {}, {x, tensor({}, {0.7f}), tensor_of<bool>({}, {false})}, 2);
    EXPECT_TRUE(same_bytes(y[0], x));
    EXPECT_EQ(values<bool>(y[1]), (std::vector<bool>{true, true}));
  }
}

TEST(Behaviour28, ARatioOfZeroDropsNothingInTrainingEither) {
  const Tensor x = tensor({2}, {1, 2});
  const auto y = run_op_outputs("Dropout", 13, {}, {x, tensor({}, {0}), tensor_of<bool>({}, {true})}, 2);
  EXPECT_TRUE(same_bytes(y[0], x));
  EXPECT_EQ(values<bool>(y[1]), (std::vector<bool>{true, true}));
}

}  // namespace
}  // namespace adze::testing
