// Expected numbers are NumPy's: RandomState(seed).random_sample, randn and binomial.
#include "graph/random.h"

#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;
constexpr auto kDouble = static_cast<std::int64_t>(DType::f64), kHalf = static_cast<std::int64_t>(DType::f16);

TEST(RandomUniform, GivesNumPysNumbers) {
  EXPECT_EQ(values<double>(run_op("RandomUniform", 1, {{"shape", Ints{3}}, {"dtype", kDouble}, {"seed", 7.0f}}, {})),
            (Doubles{0x1.388f0a7465c98p-4, 0x1.8f5184146a0a7p-1, 0x1.c0ee597d36686p-2}));
  const Tensor y =
      run_op("RandomUniform", 22, {{"shape", Ints{2, 2}}, {"seed", 7.9f}, {"low", -2.0f}, {"high", 5.0f}}, {});
  expect_values(y, {2, 2}, {-1.4658420085906982f, 3.4594316482543945f, 1.0688645839691162f, 3.0642566680908203f}, 0);
}

TEST(RandomNormal, GivesNumPysNumbers) {
  const Doubles want = {0x1.c9e38e3e13df2p+0, 0x1.befc703152c8ap-2, 0x1.8b40edd841de6p-4, -0x1.dd0ddb9948fd7p+0,
                        -0x1.1c0ba72861dcdp-2};
  const Tensor y = run_op("RandomNormal", 1, {{"shape", Ints{5}}, {"dtype", kDouble}, {"seed", 3.0f}}, {});
  for (std::size_t i = 0; i < 5; i++) EXPECT_NEAR(values<double>(y)[i], want[i], 1e-15);  // the C library's log
}

TEST(RandomNormalLike, RoundsToItsTypeAtEachStep) {
  const Tensor y = run_op("RandomNormalLike", 22, {{"dtype", kHalf}, {"seed", 3.0f}, {"scale", 2.0f}, {"mean", 1.0f}},
                          {ints({0, 0, 0, 0, 0})});
  Ints bits;
  for (const Float16 value : values<Float16>(y)) bits.push_back(value.bits);
  EXPECT_EQ(bits, (Ints{0x4494, 0x3f7e, 0x3cc6, 0xc174, 0x3720}));
}

TEST(RandomUniformLike, TakesItsInputsTypeOnlyIfThatIsAFloat) {
  EXPECT_EQ(run_op("RandomUniformLike", 1, {}, {tensor_of<double>({1}, {0})}).type(), DType::f64);
  EXPECT_FALSE(try_op("RandomUniformLike", 1, {}, {ints({1})}).has_value());
}

TEST(Random, RefusesWrongAttributes) {
  const auto integer = static_cast<std::int64_t>(DType::i32);
  EXPECT_FALSE(try_op("RandomNormal", 1, {{"shape", Ints{1}}, {"dtype", integer}}, {}).has_value());
  EXPECT_FALSE(try_op("RandomNormal", 1, {{"shape", Ints{1}}, {"seed", INFINITY}}, {}).has_value());
  EXPECT_FALSE(try_op("RandomNormal", 1, {{"shape", Ints{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}}, {}).has_value());
  EXPECT_FALSE(try_op("Multinomial", 7, {{"dtype", kDouble}}, {tensor({1, 1}, {0})}).has_value());
}

TEST(Seeds, RepeatWhereGivenAndDifferOtherwise) {
  Node node;
  node.attributes.set("seed", 4.0f);
  Seeds fixed(node);
  EXPECT_EQ(fixed.next(), 4u);
  EXPECT_EQ(fixed.next(), 4u);
  node.attributes.set("seed", -1.0f);
  EXPECT_EQ(Seeds(node).next(), 0xffffffffu);
  node.attributes.set("seed", NAN);
  Seeds free(node);
  EXPECT_NE(free.next(), free.next());
}

TEST(Bernoulli, GivesNumPysTrials) {
  const Tensor p = tensor({10}, {0, 0.1f, 0.5f, 0.9f, 1, 0.3f, 0.7f, 0.5f, 0.6f, 0.2f});
  const Tensor y = run_op("Bernoulli", 15, {{"seed", 5.0f}, {"dtype", std::int64_t{7}}}, {p});
  EXPECT_EQ(values<std::int64_t>(y), (Ints{0, 0, 0, 0, 1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(run_op("Bernoulli", 22, {}, {p}).type(), DType::f32);
}

TEST(Bernoulli, RefusesWhatIsNoProbability) {
  for (const float p : {-0.1f, 1.5f, NAN}) {
    EXPECT_FALSE(try_op("Bernoulli", 15, {}, {tensor({1}, {p})}).has_value());
  }
}

TEST(Multinomial, DrawsClassesByTheirLogProbabilities) {
  const Tensor logs = tensor({2, 3}, {0, 0.6931472f, 1.9459101f, 1.609438f, -9.2103405f, 1.609438f});
  const Tensor y = run_op("Multinomial", 7, {{"seed", 11.0f}, {"sample_size", std::int64_t{8}}}, {logs});
  EXPECT_EQ(to_string(y.shape()), "2x8");
  EXPECT_EQ(values<std::int32_t>(y), (std::vector<std::int32_t>{1, 0, 2, 2, 2, 2, 0, 2, 2, 2, 2, 0, 2, 2, 0, 2}));
}

TEST(Multinomial, RefusesRowsWithoutProbabilities) {
  EXPECT_FALSE(try_op("Multinomial", 7, {}, {tensor({1, 2}, {-INFINITY, -INFINITY})}).has_value());
  EXPECT_FALSE(try_op("Multinomial", 7, {}, {tensor({1, 2}, {0, NAN})}).has_value());
  EXPECT_FALSE(try_op("Multinomial", 7, {}, {tensor({2}, {0, 0})}).has_value());
  EXPECT_EQ(values<std::int32_t>(run_op("Multinomial", 7, {}, {tensor({1, 2}, {-INFINITY, 0})}))[0], 1);
}

// ---- Dropout --------------------------------------------------------------------------------------------------------

const Tensor kEight = tensor({8}, {1, 2, 3, 4, 5, 6, 7, 8});

TEST(Dropout, InTrainingKeepsWhatNumPyWouldAndScalesIt) {
  const auto y = run_op_outputs("Dropout", 12, {{"seed", std::int64_t{9}}},
                                {kEight, tensor({}, {0.25f}), tensor_of<bool>({}, {true})}, 2);
  EXPECT_EQ(values<bool>(y[1]), (std::vector<bool>{false, true, true, false, false, false, true, false}));
  expect_values(y[0], {8}, {0, 2 / 0.75f, 3 / 0.75f, 0, 0, 0, 7 / 0.75f, 0});
}

TEST(Dropout, PassesOnInInferenceAndWithRatioZero) {
  const Tensor yes = tensor_of<bool>({}, {true}), no = tensor_of<bool>({}, {false});
  for (const auto& inputs :
       {std::vector<Tensor>{kEight}, {kEight, tensor({}, {0.5f}), no}, {kEight, tensor({}, {0}), yes}}) {
    const auto y = run_op_outputs("Dropout", 13, {}, inputs, 2);
    EXPECT_TRUE(same_bytes(y[0], kEight));
    EXPECT_EQ(values<bool>(y[1]), std::vector<bool>(8, true));
  }
}

TEST(Dropout, MasksInTheDatasTypeBeforeVersion10) {
  EXPECT_EQ(values<float>(run_op_outputs("Dropout", 7, {}, {kEight}, 2)[1]), std::vector<float>(8, 1));
  EXPECT_EQ(run_op_outputs("Dropout", 10, {}, {kEight}, 2)[1].type(), DType::boolean);
}

TEST(Dropout, RefusesRatiosOfOneAndMore) {
  for (const float ratio : {-0.5f, 1.0f, NAN}) {
    EXPECT_FALSE(try_op("Dropout", 13, {}, {kEight, tensor({}, {ratio}), tensor_of<bool>({}, {true})}).has_value());
  }
  EXPECT_FALSE(try_op("Dropout", 13, {}, {kEight, tensor({2}, {0, 0})}).has_value());
}

}  // namespace
}  // namespace adze::testing
