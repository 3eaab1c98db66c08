// Activations, arithmetic, comparison, Clip, Where, Cast: the behaviours that trip engines.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> floats(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }
template <class T>
Tensor of(std::vector<T> values) {
  return Tensor::from<T>({static_cast<std::int64_t>(values.size())}, values);
}

TEST(Relu, KeepsNanAndTakesIntegers) {
  const Tensor y = run_op("Relu", 14, {}, {tensor({3}, {-1, kNan, 2})});
  EXPECT_EQ(y.as<float>()[0], 0);
  EXPECT_TRUE(std::isnan(y.as<float>()[1]));
  EXPECT_EQ(run_op("Relu", 14, {}, {of<std::int8_t>({-5, 5})}).as<std::int8_t>()[0], 0);
}

TEST(Clip, BoundsFromAttributesAndInputsOneOfThemMissing) {
  const Tensor x = tensor({3}, {-5, 0, 5});
  EXPECT_EQ(floats(run_op("Clip", 6, {{"min", -1.0f}}, {x})), (std::vector<float>{-1, 0, 5}));
  EXPECT_EQ(floats(run_op("Clip", 13, {}, {x, Tensor(), tensor({}, {1})})), (std::vector<float>{-5, 0, 1}));
  EXPECT_EQ(floats(run_op("Clip", 13, {}, {x, tensor({}, {2}), tensor({}, {1})})),
            (std::vector<float>{1, 1, 1}));  // the upper one wins
  EXPECT_EQ(run_op("Clip", 12, {}, {of<std::int64_t>({-9, 9}), of<std::int64_t>({-1})}).as<std::int64_t>()[0], -1);
}

TEST(Arithmetic, BroadcastsBothWays) {
  const Tensor a = tensor({2, 1}, {10, 20}), b = tensor({3}, {1, 2, 3});
  EXPECT_EQ(floats(run_op("Add", 14, {}, {a, b})), (std::vector<float>{11, 12, 13, 21, 22, 23}));
  EXPECT_EQ(floats(run_op("Sub", 14, {}, {b, a})), (std::vector<float>{-9, -8, -7, -19, -18, -17}));
  EXPECT_FALSE(try_op("Add", 14, {}, {tensor({2}, {1, 2}), b}));
}

TEST(Arithmetic, LegacyBroadcastCountsFromItsAxis) {
  const Tensor a = tensor({2, 3, 1}, {1, 2, 3, 4, 5, 6}), b = tensor({3}, {10, 20, 30});
  EXPECT_EQ(floats(run_op("Add", 6, {{"broadcast", std::int64_t{1}}, {"axis", std::int64_t{1}}}, {a, b})),
            (std::vector<float>{11, 22, 33, 14, 25, 36}));
}

TEST(Arithmetic, IntegersTruncateWrapAndRefuseZero) {
  EXPECT_EQ(run_op("Div", 14, {}, {of<std::int64_t>({-7}), of<std::int64_t>({2})}).as<std::int64_t>()[0], -3);
  const auto least = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(run_op("Div", 14, {}, {of<std::int32_t>({least}), of<std::int32_t>({-1})}).as<std::int32_t>()[0], least);
  EXPECT_EQ(run_op("Add", 14, {}, {of<std::uint8_t>({250}), of<std::uint8_t>({10})}).as<std::uint8_t>()[0], 4);
  const auto by_zero = try_op("Div", 14, {}, {of<std::int32_t>({1}), of<std::int32_t>({0})});
  ASSERT_FALSE(by_zero);
  EXPECT_NE(by_zero.error().message.find("zero"), std::string::npos);
}

TEST(Mod, SignFollowsTheDivisorUnlessFmod) {
  const Tensor a = of<std::int32_t>({-7, 7, -7}), b = of<std::int32_t>({3, -3, -3});
  const Tensor y = run_op("Mod", 13, {}, {a, b});
  const auto sign_of_divisor = y.as<std::int32_t>();
  EXPECT_EQ(sign_of_divisor[0], 2);
  EXPECT_EQ(sign_of_divisor[1], -2);
  EXPECT_EQ(sign_of_divisor[2], -1);
  EXPECT_EQ(run_op("Mod", 13, {{"fmod", std::int64_t{1}}}, {a, b}).as<std::int32_t>()[0], -1);
}

TEST(Pow, MixedTypes) {
  EXPECT_EQ(floats(run_op("Pow", 15, {}, {tensor({3}, {2, 3, 4}), of<std::int64_t>({2, 0, -1})})),
            (std::vector<float>{4, 1, 0.25f}));
  EXPECT_EQ(run_op("Pow", 15, {}, {of<std::int32_t>({3}), tensor({1}, {3})}).as<std::int32_t>()[0], 27);
}

TEST(Variadic, AnyNumberOfOperands) {
  const Tensor a = tensor({2}, {1, 5}), b = tensor({1}, {3}), c = tensor({2}, {2, 9});
  EXPECT_EQ(floats(run_op("Max", 13, {}, {a, b, c})), (std::vector<float>{3, 9}));
  EXPECT_EQ(floats(run_op("Min", 13, {}, {a})), (std::vector<float>{1, 5}));
  EXPECT_EQ(floats(run_op("Mean", 13, {}, {a, b, c})), (std::vector<float>{2, 17.0f / 3}));
  EXPECT_EQ(floats(run_op("Sum", 13, {}, {b, a})), (std::vector<float>{4, 8}));
}

TEST(PRelu, SlopeBroadcastsOneWayOnly) {
  EXPECT_EQ(floats(run_op("PRelu", 16, {}, {tensor({2, 2}, {-1, 1, -2, 2}), tensor({2}, {0.5f, 1})})),
            (std::vector<float>{-0.5f, 1, -1, 2}));
  EXPECT_FALSE(try_op("PRelu", 16, {}, {tensor({2}, {1, 1}), tensor({2, 2}, {1, 1, 1, 1})}));
  // Before version 7 the slope was per channel.
  EXPECT_EQ(floats(run_op("PRelu", 6, {}, {tensor({1, 2, 2}, {-1, -1, -1, -1}), tensor({2}, {0.5f, 2})})),
            (std::vector<float>{-0.5f, -0.5f, -2, -2}));
}

TEST(Compare, NanIsUnequalToItself) {
  const Tensor y = run_op("Equal", 19, {}, {tensor({3}, {1, kNan, 2}), tensor({3}, {1, kNan, 3})});
  const auto equal = y.as<bool>();
  EXPECT_TRUE(equal[0]);
  EXPECT_FALSE(equal[1]);
  EXPECT_TRUE(
      run_op("Less", 13, {}, {of<std::uint64_t>({1}), of<std::uint64_t>({std::numeric_limits<std::uint64_t>::max()})})
          .as<bool>()[0]);
  EXPECT_FALSE(
      run_op("Not", 1, {}, {run_op("GreaterOrEqual", 16, {}, {tensor({1}, {2}), tensor({1}, {2})})}).as<bool>()[0]);
}

TEST(Where, BroadcastsAllThree) {
  const bool c[] = {true, false};
  const Tensor condition = Tensor::from<bool>({2, 1}, c);
  EXPECT_EQ(floats(run_op("Where", 16, {}, {condition, tensor({2}, {1, 2}), tensor({}, {9})})),
            (std::vector<float>{1, 2, 9, 9}));
}

Tensor cast(const Tensor& x, DType to) { return run_op("Cast", 19, {{"to", static_cast<std::int64_t>(to)}}, {x}); }

TEST(Cast, TruncatesSaturatesAndRounds) {
  const auto i32 = cast(tensor({5}, {-1.9f, 1.9f, kNan, 1e20f, -kInfinity}), DType::i32);
  EXPECT_EQ(i32.as<std::int32_t>()[0], -1);
  EXPECT_EQ(i32.as<std::int32_t>()[1], 1);
  EXPECT_EQ(i32.as<std::int32_t>()[3], std::numeric_limits<std::int32_t>::max());
  EXPECT_TRUE(cast(tensor({1}, {0.25f}), DType::boolean).as<bool>()[0]);
  EXPECT_EQ(cast(cast(tensor({1}, {1}), DType::boolean), DType::f32).as<float>()[0], 1);
  // Half way between two 16-bit floats: to the even one.
  EXPECT_EQ(cast(tensor({1}, {1 + 0x1p-8f}), DType::bf16).as<BFloat16>()[0].bits, 0x3f80);
  EXPECT_EQ(cast(tensor({1}, {1 + 3 * 0x1p-8f}), DType::bf16).as<BFloat16>()[0].bits, 0x3f82);
  EXPECT_EQ(cast(tensor({1}, {1 + 0x1p-11f}), DType::f16).as<Float16>()[0].bits, 0x3c00);
  EXPECT_EQ(cast(tensor({1}, {65520}), DType::f16).as<Float16>()[0].bits, 0x7c00);
  EXPECT_EQ(cast(tensor({1}, {0x1p-24f}), DType::f16).as<Float16>()[0].bits, 1);
}

TEST(Float16, EveryPatternSurvivesARoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; bits++) {
    Float16 half;
    half.bits = static_cast<std::uint16_t>(bits);
    const float value = half;
    if (value != value) continue;
    ASSERT_EQ(Float16(value).bits, bits);
  }
}

TEST(Activations, FollowTheirFormulasInF64) {
  const double x[] = {-2, -0.5, 0, 0.5, 2};
  const Tensor t = Tensor::from<double>({5}, x);
  const auto check = [&](const char* name, int opset, const AttributeList& attributes, auto formula) {
    const Tensor y = run_op(name, opset, attributes, {t});
    for (int i = 0; i < 5; i++) EXPECT_NEAR(y.as<double>()[static_cast<std::size_t>(i)], formula(x[i]), 1e-12) << name;
  };
  check("HardSigmoid", 6, {}, [](double v) { return std::clamp(0.2f * v + 0.5, 0.0, 1.0); });
  check("HardSwish", 14, {}, [](double v) { return v * std::clamp(v / 6 + 0.5, 0.0, 1.0); });
  check("Gelu", 20, {}, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); });
  check("Mish", 18, {}, [](double v) { return v * std::tanh(std::log1p(std::exp(v))); });
  check("Softplus", 1, {}, [](double v) { return std::log1p(std::exp(v)); });
  check("Elu", 6, {{"alpha", 2.0f}}, [](double v) { return v < 0 ? 2 * std::expm1(v) : v; });
  check("LeakyRelu", 16, {{"alpha", 0.25f}}, [](double v) { return v < 0 ? 0.25 * v : v; });
  check("Swish", 24, {{"alpha", -0.75f}}, [](double v) { return v / (1 + std::exp(0.75 * v)); });
}

TEST(Activations, SwishIsScaledInLongRows) {
  const Tensor x = random_tensor({1000}, 5, -20, 20);  // longer than what is scaled at a time, and no multiple of it
  for (const float alpha : {1.702f, -0.5f, 0.0f}) {
    const Tensor y = run_op("Swish", 24, {{"alpha", alpha}}, {x});
    for (std::size_t i = 0; i < 1000; i++) {
      const double v = x.as<float>()[i], want = v / (1 + std::exp(-static_cast<double>(alpha) * v));
      ASSERT_NEAR(y.as<float>()[i], want, 1e-6 * std::fabs(v)) << alpha << " at " << v;
    }
  }
}

}  // namespace
}  // namespace adze::testing
