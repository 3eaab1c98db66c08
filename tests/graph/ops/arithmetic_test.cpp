// Arithmetic at its edges: integers of every width, NaN, signed zeros, halves, and ranges that must not be left.
#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

template <class T>
Tensor of(std::vector<T> values) {
  return Tensor::from<T>({static_cast<std::int64_t>(values.size())}, values);
}
template <class T>
std::vector<T> values(const Tensor& t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}
template <class T>
std::vector<T> binary(const char* name, std::vector<T> a, std::vector<T> b, const AttributeList& attributes = {}) {
  return values<T>(run_op(name, 28, attributes, {of<T>(std::move(a)), of<T>(std::move(b))}));
}

template <class T>
class IntegerArithmetic : public ::testing::Test {};
using Integers = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                                  std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(IntegerArithmetic, Integers);

TYPED_TEST(IntegerArithmetic, WrapsAtTheEnds) {
  using T = TypeParam;
  using V = std::vector<T>;
  constexpr T kMost = std::numeric_limits<T>::max(), kLeast = std::numeric_limits<T>::min();
  EXPECT_EQ(binary<T>("Add", {kMost, 1}, {1, 2}), (V{kLeast, 3}));
  EXPECT_EQ(binary<T>("Sub", {kLeast, 5}, {1, 2}), (V{kMost, 3}));
  EXPECT_EQ(binary<T>("Mul", {kMost, 3}, {2, 4}), (V{static_cast<T>(-2), 12}));
  EXPECT_EQ(binary<T>("Mul", {kMost}, {kMost}), (V{1}));
  EXPECT_EQ(binary<T>("Div", {kMost, 7}, {2, 2}), (V{static_cast<T>(kMost / 2), 3}));
  EXPECT_EQ(binary<T>("Mod", {kMost, 7}, {2, 4}), (V{1, 3}));
  EXPECT_EQ(binary<T>("Pow", {kMost, 3, 2}, {2, 4, 0}), (V{1, 81, 1}));
  EXPECT_EQ(binary<T>("Max", {kMost, 3}, {0, 4}), (V{kMost, 4}));
  EXPECT_EQ(binary<T>("Min", {kLeast, 3}, {1, 4}), (V{kLeast, 3}));
}

TYPED_TEST(IntegerArithmetic, SignsOfQuotientsAndRests) {
  using T = TypeParam;
  using V = std::vector<T>;
  if constexpr (std::is_signed_v<T>) {
    constexpr T kLeast = std::numeric_limits<T>::min();
    EXPECT_EQ(binary<T>("Div", {-7, 7, -7, kLeast}, {2, -2, -2, -1}), (V{-3, -3, 3, kLeast}));
    EXPECT_EQ(binary<T>("Mod", {-7, 7, -7, kLeast}, {3, -3, -3, -1}), (V{2, -2, -1, 0}));
    EXPECT_EQ(binary<T>("Mod", {-7, 7, -7}, {3, -3, -3}, {{"fmod", std::int64_t{1}}}), (V{-1, 1, -1}));
    EXPECT_EQ(values<T>(run_op("Abs", 13, {}, {of<T>({-5, 5, kLeast})})), (V{5, 5, kLeast}));
    EXPECT_EQ(values<T>(run_op("Sign", 13, {}, {of<T>({-5, 0, 5})})), (V{-1, 0, 1}));
  }
  for (const char* name : {"Div", "Mod"}) EXPECT_FALSE(try_op(name, 14, {}, {of<T>({1}), of<T>({0})})) << name;
}

TEST(FloatMod, SignsZerosAndInfinities) {
  const std::vector<float> x = {-7, 7, 5.5f, -6, 6, 0.0f, -0.0f, 5, -5, 5};
  const std::vector<float> y = {3, -3, 2, 3, -3, -2, 2, kInf, kInf, -kInf};
  const auto floored = binary<float>("Mod", x, y);
  EXPECT_EQ(floored, (std::vector<float>{2, -2, 1.5f, 0, 0, 0, 0, 5, kInf, -kInf}));
  for (const std::size_t i : {3u, 4u, 5u, 6u}) EXPECT_EQ(std::signbit(floored[i]), std::signbit(y[i])) << i;
  EXPECT_EQ(binary<float>("Mod", x, y, {{"fmod", std::int64_t{1}}}),
            (std::vector<float>{-1, 1, 1.5f, 0, 0, 0, 0, 5, -5, 5}));
  for (const float rest : binary<float>("Mod", {kInf, -kInf, 1, 0, kNaN, 1}, {2, 2, 0, 0, 1, kNaN}))
    EXPECT_TRUE(std::isnan(rest));
}

TEST(PowEdges, TypesOfBaseAndExponent) {
  const auto pow = [](const Tensor& base, const Tensor& exponent) { return run_op("Pow", 15, {}, {base, exponent}); };
  EXPECT_EQ(values<std::int32_t>(pow(of<std::int32_t>({-2, 4, 0}), tensor({3}, {3, 0.5f, 0}))),
            (std::vector<std::int32_t>{-8, 2, 1}));
  EXPECT_EQ(values<std::int64_t>(pow(of<std::int64_t>({3, 2}), of<std::uint8_t>({39, 62}))),
            (std::vector<std::int64_t>{4052555153018976267, std::int64_t{1} << 62}));
  EXPECT_EQ(values<std::int32_t>(pow(of<std::int32_t>({2, 2}), of<std::int32_t>({-1, 3}))),
            (std::vector<std::int32_t>{0, 8}));
  const auto y = values<float>(pow(tensor({5}, {kNaN, 1, -8, 0, 2}), of<double>({0, kNaN, 1.0 / 3, -1, 0.5})));
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 1);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], kInf);
  EXPECT_EQ(y[4], std::sqrt(2.0f));
}

TEST(MinMax, NaNWinsInEveryFloatType) {
  for (const char* name : {"Max", "Min"}) {
    for (const auto& [a, b] : {std::pair(kNaN, 1.0f), std::pair(1.0f, kNaN)}) {
      EXPECT_TRUE(std::isnan(binary<float>(name, {a}, {b})[0]));
      EXPECT_TRUE(std::isnan(binary<double>(name, {static_cast<double>(a)}, {static_cast<double>(b)})[0]));
      EXPECT_TRUE(std::isnan(static_cast<float>(binary<Float16>(name, {Float16(a)}, {Float16(b)})[0])));
      EXPECT_TRUE(std::isnan(static_cast<float>(binary<BFloat16>(name, {BFloat16(a)}, {BFloat16(b)})[0])));
    }
  }
}

TEST(Rounding, HalvesGoToEven) {
  const std::vector<float> x = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 0x1p23f + 1, kInf};
  EXPECT_EQ(values<float>(run_op("Round", 22, {}, {of<float>(x)})),
            (std::vector<float>{0, 2, 2, -0.0f, -2, -2, 0x1p23f + 1, kInf}));
  EXPECT_EQ(values<double>(run_op("Round", 22, {}, {of<double>({0.5, 2.5, -3.5})})), (std::vector<double>{0, 2, -4}));
}

TEST(Signs, OfZerosAndNaN) {
  const auto y = values<float>(run_op("Sign", 13, {}, {tensor({5}, {-kInf, -0.0f, 0, 1e-40f, kNaN})}));
  EXPECT_EQ(std::vector<float>(y.begin(), y.begin() + 4), (std::vector<float>{-1, 0, 0, 1}));
  EXPECT_TRUE(std::isnan(y[4]));
}

// A function's value may not lie outside its range, however large the argument.
TEST(Ranges, AreNotLeft) {
  std::vector<float> x = {kInf, -kInf, 1e30f, -1e30f};
  for (float v = -100; v <= 100; v += 0.37f) x.push_back(v);
  const Tensor t = of<float>(x);
  for (const char* name : {"Tanh", "Erf"}) {
    for (const float y : values<float>(run_op(name, 13, {}, {t}))) EXPECT_LE(std::fabs(y), 1) << name;
  }
  for (const float y : values<float>(run_op("Sigmoid", 13, {}, {t}))) {
    EXPECT_GE(y, 0);
    EXPECT_LE(y, 1);
  }
  for (const char* name : {"Tanh", "Erf", "Sigmoid"}) {
    const auto y = values<float>(run_op(name, 13, {}, {of<float>({kInf, kNaN})}));
    EXPECT_EQ(y[0], 1) << name;
    EXPECT_TRUE(std::isnan(y[1])) << name;
  }
}

TEST(ErfTails, AreAccurateWhereTheValueIsSmallOrNearlyOne) {
  const std::vector<float> x = {1e-30f, 1e-6f, 0.01f, 2.5f, 3.5f, 3.9f, -3.9f, 5};
  const auto y = values<float>(run_op("Erf", 13, {}, {of<float>(x)}));
  for (std::size_t i = 0; i < x.size(); i++) {
    const double want = std::erf(static_cast<double>(x[i]));
    EXPECT_NEAR(y[i], want, 4 * 0x1p-24 * std::fabs(want)) << x[i];
  }
}

}  // namespace
}  // namespace adze::testing
