// Behaviours 15, 16 and 30: casts, integer arithmetic, NaN, and how near a result is to its formula.
#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

Tensor cast(const Tensor& x, DType to) { return run_op("Cast", 13, {{"to", static_cast<std::int64_t>(to)}}, {x}); }
template <class T>
Tensor row(std::vector<T> values) {
  if constexpr (std::is_same_v<T, bool>) {
    auto made = Tensor::allocate(DType::boolean, {static_cast<std::int64_t>(values.size())});
    std::copy(values.begin(), values.end(), made.template as<bool>());
    return made.tensor;
  } else {
    return Tensor::from<T>({static_cast<std::int64_t>(values.size())}, values);
  }
}

// ---- 15: casts ------------------------------------------------------------------------------------------------------

TEST(Behaviour15, FloatsAreTruncatedToIntegersOfEveryWidth) {
  const Tensor x = row<float>({1.9f, -1.9f, 0.5f, -0.5f, 100.75f});
  EXPECT_EQ(values<std::int8_t>(cast(x, DType::i8)), (std::vector<std::int8_t>{1, -1, 0, 0, 100}));
  EXPECT_EQ(values<std::int16_t>(cast(x, DType::i16)), (std::vector<std::int16_t>{1, -1, 0, 0, 100}));
  EXPECT_EQ(values<std::int32_t>(cast(x, DType::i32)), (std::vector<std::int32_t>{1, -1, 0, 0, 100}));
  EXPECT_EQ(values<std::int64_t>(cast(x, DType::i64)), (Ints{1, -1, 0, 0, 100}));
  const Tensor positive = row<float>({1.9f, 0.5f, 200.75f});
  EXPECT_EQ(values<std::uint8_t>(cast(positive, DType::u8)), (std::vector<std::uint8_t>{1, 0, 200}));
  EXPECT_EQ(values<std::uint64_t>(cast(row<float>({0x1p63f}), DType::u64)),
            (std::vector<std::uint64_t>{std::uint64_t{1} << 63}));
}

TEST(Behaviour15, WhatDoesntFitAnIntegerIsTheSameOnEveryProcessor) {
  for (const DType to :
       {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32, DType::u32, DType::i64, DType::u64}) {
    const Tensor x = row<float>({kNan, kInfinity, -kInfinity, 1e30f, -1e30f, 1, kNan, kInfinity, -kInfinity, 1e30f,
                                 -1e30f, 1, kNan, kInfinity, -kInfinity, 1e30f, -1e30f, 1});
    const Tensor best = cast(x, to);
    EXPECT_TRUE(
        same_bytes(best, run_op("Cast", 13, {{"to", static_cast<std::int64_t>(to)}}, {x}, {.isa = Isa::portable})));
    const std::size_t size = size_of(to);
    EXPECT_EQ(std::memcmp(best.raw(), best.raw() + 6 * size, 6 * size), 0);  // in the body and in the tail of a vector
    EXPECT_EQ(std::memcmp(best.raw() + size, best.raw() + 3 * size, size), 0) << "1e30 and infinity";
    EXPECT_EQ(std::memcmp(best.raw() + 2 * size, best.raw() + 4 * size, size), 0);
  }
}

TEST(Behaviour15, IntegersWrapToNarrowerOnesAndKeepShapesExact) {
  EXPECT_EQ(values<std::int8_t>(cast(ints({300, -129, 128, 255}), DType::i8)),
            (std::vector<std::int8_t>{44, 127, -128, -1}));
  EXPECT_EQ(values<std::int32_t>(cast(ints({(std::int64_t{1} << 40) + 5, -1}), DType::i32)),
            (std::vector<std::int32_t>{5, -1}));
  EXPECT_EQ(values<std::int64_t>(cast(row<std::int32_t>({-7}), DType::i64)), (Ints{-7}));
  EXPECT_EQ(values<std::int64_t>(cast(row<std::uint8_t>({200}), DType::i64)), (Ints{200}));
  const std::int64_t large = (std::int64_t{1} << 53) + 1;  // not a double
  EXPECT_EQ(values<std::uint64_t>(cast(ints({large}), DType::u64)),
            (std::vector<std::uint64_t>{static_cast<std::uint64_t>(large)}));
}

TEST(Behaviour15, BoolsAreZeroAndOneBothWays) {
  EXPECT_EQ(values<bool>(cast(row<float>({0, -0.0f, 0.25f, kNan, -kInfinity}), DType::boolean)),
            (std::vector<bool>{false, false, true, true, true}));
  EXPECT_EQ(values<bool>(cast(ints({0, 256, std::int64_t{1} << 32}), DType::boolean)),
            (std::vector<bool>{false, true, true}));
  const Tensor truth = row<bool>({true, false});
  EXPECT_EQ(values<float>(cast(truth, DType::f32)), (Floats{1, 0}));
  EXPECT_EQ(values<std::int64_t>(cast(truth, DType::i64)), (Ints{1, 0}));
  EXPECT_EQ(static_cast<float>(cast(truth, DType::bf16).as<BFloat16>()[0]), 1);
}

TEST(Behaviour15, SixteenBitFloatsRoundToEvenAndKeepNan) {
  const auto bf16 = [](float x) { return cast(row<float>({x}), DType::bf16).as<BFloat16>()[0].bits; };
  EXPECT_EQ(bf16(1 + 0x1p-8f + 0x1p-20f), 0x3f81);  // just above half
  EXPECT_EQ(bf16(1 + 0x1p-8f), 0x3f80);
  EXPECT_EQ(bf16(1 + 3 * 0x1p-8f), 0x3f82);
  EXPECT_EQ(bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(static_cast<float>(cast(row<float>({kNan}), DType::bf16).as<BFloat16>()[0])));
  // A NaN whose payload lies in the bits that are cut off stays one.
  const float payload = std::bit_cast<float>(0x7f800001u);
  EXPECT_TRUE(std::isnan(static_cast<float>(cast(row<float>({payload}), DType::bf16).as<BFloat16>()[0])));
  EXPECT_TRUE(std::isnan(static_cast<float>(cast(row<float>({payload}), DType::f16).as<Float16>()[0])));
}

// ---- 16: arithmetic -------------------------------------------------------------------------------------------------

template <class T>
void expect_signed_division() {
  const Tensor a = row<T>({7, -7, 7, -7}), b = row<T>({2, 2, -2, -2});
  EXPECT_EQ(values<T>(run_op("Div", 14, {}, {a, b})), (std::vector<T>{3, -3, -3, 3}));
  EXPECT_EQ(values<T>(run_op("Mod", 13, {}, {a, b})), (std::vector<T>{1, 1, -1, -1}));
  EXPECT_EQ(values<T>(run_op("Mod", 13, {{"fmod", std::int64_t{1}}}, {a, b})), (std::vector<T>{1, -1, 1, -1}));
}

TEST(Behaviour16, DivisionTruncatesModFollowsTheDivisorFmodTheDividend) {
  expect_signed_division<std::int8_t>();
  expect_signed_division<std::int16_t>();
  expect_signed_division<std::int32_t>();
  expect_signed_division<std::int64_t>();
  EXPECT_EQ(values<std::uint8_t>(run_op("Div", 14, {}, {row<std::uint8_t>({250}), row<std::uint8_t>({7})})),
            (std::vector<std::uint8_t>{35}));
  const Tensor y = run_op("Mod", 13, {{"fmod", std::int64_t{1}}},
                          {row<float>({7.5f, -7.5f, kInfinity, 3, -0.0f}), row<float>({2, 2, 2, kInfinity, 3})});
  EXPECT_EQ(y.as<float>()[0], 1.5f);
  EXPECT_EQ(y.as<float>()[1], -1.5f);
  EXPECT_TRUE(std::isnan(y.as<float>()[2]));
  EXPECT_EQ(y.as<float>()[3], 3);
  EXPECT_TRUE(std::signbit(y.as<float>()[4]));
}

TEST(Behaviour16, ModOfFloatsFollowsTheDivisorFromVersion28) {
  const Tensor y = run_op("Mod", 28, {},
                          {row<float>({7.5f, -7.5f, 7.5f, -7.5f, 4, 0, 3, -3, kInfinity, 1}),
                           row<float>({2, 2, -2, -2, -2, -3, kInfinity, kInfinity, 2, 0})});
  const Floats want = {1.5f, 0.5f, -0.5f, -1.5f, 0, 0, 3, kInfinity};
  for (std::size_t i = 0; i < want.size(); i++) EXPECT_EQ(y.as<float>()[i], want[i]) << i;
  EXPECT_TRUE(std::signbit(y.as<float>()[4])) << "zero has the divisor's sign";
  EXPECT_TRUE(std::signbit(y.as<float>()[5]));
  EXPECT_TRUE(std::isnan(y.as<float>()[8]));
  EXPECT_TRUE(std::isnan(y.as<float>()[9]));
}

TEST(Behaviour16, PowTakesTheTypeOfItsBase) {
  EXPECT_EQ(values<std::int64_t>(run_op("Pow", 15, {}, {ints({2, 3, -3}), row<std::int32_t>({10, 2, 3})})),
            (Ints{1024, 9, -27}));
  EXPECT_EQ(values<std::int32_t>(run_op("Pow", 12, {}, {row<std::int32_t>({4}), row<float>({0.5f})})),
            (std::vector<std::int32_t>{2}));
  EXPECT_EQ(values<double>(run_op("Pow", 13, {}, {row<double>({2}), ints({-1})})), (std::vector<double>{0.5}));
  EXPECT_EQ(values<float>(run_op("Pow", 13, {}, {row<float>({0, -2, kNan}), row<float>({0, 3, 0})})),
            (Floats{1, -8, 1}));
}

template <class T>
void expect_extrema() {
  const Tensor a = row<T>({1, 5, 3}), b = row<T>({2, 2, 2}), c = row<T>({0});
  EXPECT_EQ(values<T>(run_op("Max", 13, {}, {a, b, c})), (std::vector<T>{2, 5, 3}));
  EXPECT_EQ(values<T>(run_op("Min", 13, {}, {b, a})), (std::vector<T>{1, 2, 2}));
}

TEST(Behaviour16, ExtremaOfEveryTypeAndNanFromEitherSide) {
  expect_extrema<float>();
  expect_extrema<double>();
  expect_extrema<std::int8_t>();
  expect_extrema<std::uint8_t>();
  expect_extrema<std::int16_t>();
  expect_extrema<std::uint16_t>();
  expect_extrema<std::int32_t>();
  expect_extrema<std::uint32_t>();
  expect_extrema<std::int64_t>();
  expect_extrema<std::uint64_t>();
  for (const char* op : {"Max", "Min"}) {
    const Tensor y = run_op(op, 13, {}, {row<float>({kNan, 1, kNan}), row<float>({1, kNan, kNan})});
    for (const float v : y.as<float>()) EXPECT_TRUE(std::isnan(v)) << op;
    const Tensor half =
        run_op(op, 13, {}, {cast(row<float>({kNan, 1}), DType::f16), cast(row<float>({1, kNan}), DType::f16)});
    for (const Float16 v : half.as<Float16>()) EXPECT_TRUE(std::isnan(static_cast<float>(v))) << op;
  }
}

TEST(Behaviour16, RoundGoesToEvenAndSignKeepsZero) {
  const Tensor y =
      run_op("Round", 22, {}, {row<float>({0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 8388609, kInfinity})});
  EXPECT_EQ(values<float>(y), (Floats{0, 2, 2, -0.0f, -2, 0, 8388609, kInfinity}));
  EXPECT_TRUE(std::signbit(y.as<float>()[3]));
  EXPECT_EQ(values<float>(run_op("Sign", 13, {}, {row<float>({-2, 0, kInfinity})})), (Floats{-1, 0, 1}));
  EXPECT_EQ(values<std::int8_t>(run_op("Sign", 13, {}, {row<std::int8_t>({-128, 0, 127})})),
            (std::vector<std::int8_t>{-1, 0, 1}));
  EXPECT_EQ(values<std::uint64_t>(run_op("Sign", 13, {}, {row<std::uint64_t>({0, 9})})),
            (std::vector<std::uint64_t>{0, 1}));
  EXPECT_TRUE(std::isnan(run_op("Sign", 13, {}, {row<float>({kNan})}).as<float>()[0]));
}

TEST(Behaviour16, TanhSigmoidAndErfNeverOvershoot) {
  std::vector<float> xs = {0, kInfinity, -kInfinity, 1e30f, -1e30f};
  for (float x = -100; x < 100; x += 0.0137f) xs.push_back(x);
  const auto within = [&](const char* op, float low, float high, auto exact) {
    const Tensor y = run_op(op, 13, {}, {row<float>(xs)});
    for (std::size_t i = 0; i < xs.size(); i++) {
      ASSERT_GE(y.as<float>()[i], low) << op << ' ' << xs[i];
      ASSERT_LE(y.as<float>()[i], high) << op << ' ' << xs[i];
      ASSERT_NEAR(y.as<float>()[i], exact(static_cast<double>(xs[i])), 3e-7) << op << ' ' << xs[i];
    }
  };
  within("Tanh", -1, 1, [](double x) { return std::tanh(x); });
  within("Erf", -1, 1, [](double x) { return std::erf(x); });
  within("Sigmoid", 0, 1, [](double x) { return 1 / (1 + std::exp(-x)); });
  // Near zero, where an absolute bound says nothing.
  expect_values(run_op("Erf", 13, {}, {row<float>({1e-20f, -1e-30f})}), {2}, {1.1283792e-20f, -1.1283792e-30f}, 1e-26f);
}

}  // namespace
}  // namespace adze::testing
