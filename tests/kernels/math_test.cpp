// The elementary functions behind the activations, over their whole range, against double.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "kernels/eltwise/eltwise.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Every 4099th float, both signs, and the special ones.
std::vector<float> all_floats() {
  std::vector<float> values = {0.0f, -0.0f, kInfinity, -kInfinity,
                               kNan, 1.0f,  -1.0f,     std::numeric_limits<float>::denorm_min()};
  for (std::uint64_t bits = 0; bits < 0x100000000u; bits += 4099) {
    const auto pattern = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, sizeof value);
    if (value == value) values.push_back(value);
  }
  return values;
}

double ulp(double value) {
  const double least = std::ldexp(1.0, -149);
  if (value == 0 || !std::isfinite(value)) return least;
  return std::max(least, std::ldexp(1.0, std::ilogb(value) - 23));
}

// Infinities and NaN exactly, everything else within `bound` units in the last place; below the least normal number
// within as many of its own. Values beyond the largest float may be infinite.
void expect_close(float got, double want, double bound, float x, const char* what) {
  if (std::isnan(want)) {
    ASSERT_TRUE(std::isnan(got)) << what << '(' << x << ") is " << got;
  } else if (std::fabs(want) > std::numeric_limits<float>::max()) {
    ASSERT_TRUE(std::isinf(got) && (got > 0) == (want > 0))
        << what << '(' << x << ") is " << got << ", expected " << want;
  } else {
    ASSERT_LE(std::fabs(got - want), bound * ulp(want)) << what << '(' << x << ") is " << got << ", expected " << want;
  }
}

void check_activation(Activation kind, float alpha, float beta, double bound, const char* what,
                      const std::function<double(double)>& reference) {
  const std::vector<float> src = all_floats();
  std::vector<float> first;
  for (const auto& variant : activate_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    std::vector<float> dst(src.size());
    variant.fn({kind, alpha, beta}, src.data(), dst.data(), static_cast<std::int64_t>(src.size()));
    for (std::size_t i = 0; i < src.size(); i++) expect_close(dst[i], reference(src[i]), bound, src[i], what);
    if (first.empty()) first = dst;
    for (std::size_t i = 0; i < src.size(); i++) {
      ASSERT_TRUE(std::memcmp(&first[i], &dst[i], sizeof(float)) == 0 || (std::isnan(first[i]) && std::isnan(dst[i])))
          << what << '(' << src[i] << ") differs on " << isa_name(variant.isa);
    }
  }
}

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

// Both stay where they are once sigmoid leaves the normal numbers.
constexpr double kSigmoidEnd = -88.3f;
double sigmoid(double x) { return 1 / (1 + std::exp(-(x < kSigmoidEnd ? kSigmoidEnd : x))); }

TEST(Activate, Sigmoid) { check_activation(Activation::sigmoid, 0, 0, 2, "sigmoid", sigmoid); }
TEST(Activate, Silu) {
  check_activation(Activation::silu, 0, 0, 2, "silu",
                   [](double x) { return (x < kSigmoidEnd ? kSigmoidEnd : x) * sigmoid(x); });
}
TEST(Activate, Tanh) {
  check_activation(Activation::tanh, 0, 0, 2, "tanh", [](double x) { return std::tanh(x); });
}
TEST(Activate, ClipKeepsNan) {
  check_activation(Activation::clip, 0, 6, 0, "relu6",
                   [](double x) { return std::isnan(x) ? x : std::min(6.0, std::max(0.0, x)); });
}
TEST(Activate, LeakyRelu) {
  check_activation(Activation::leaky_relu, 0.25f, 0, 0.5, "leaky_relu", [](double x) { return x < 0 ? 0.25 * x : x; });
}
TEST(Activate, Softplus) { check_activation(Activation::softplus, 0, 0, 4, "softplus", softplus); }

void check_unary(UnaryOp op, double bound, const char* what, const std::function<double(double)>& reference) {
  const std::vector<float> src = all_floats();
  std::vector<float> first;
  for (const auto& variant : unary_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    std::vector<float> dst(src.size());
    variant.fn(op, src.data(), dst.data(), static_cast<std::int64_t>(src.size()));
    for (std::size_t i = 0; i < src.size(); i++) expect_close(dst[i], reference(src[i]), bound, src[i], what);
    if (first.empty()) first = dst;
    for (std::size_t i = 0; i < src.size(); i++) {
      ASSERT_TRUE(std::memcmp(&first[i], &dst[i], sizeof(float)) == 0 || (std::isnan(first[i]) && std::isnan(dst[i])))
          << what << '(' << src[i] << ") differs on " << isa_name(variant.isa);
    }
  }
}

TEST(Unary, Exp) {
  check_unary(UnaryOp::exp, 1, "exp", [](double x) { return std::exp(x); });
}
TEST(Unary, Log) {
  check_unary(UnaryOp::log, 1, "log", [](double x) { return std::log(x); });
}
TEST(Unary, Erf) {
  check_unary(UnaryOp::erf, 2, "erf", [](double x) { return std::erf(x); });
}
TEST(Unary, Rounding) {
  check_unary(UnaryOp::round, 0, "round", [](double x) { return std::nearbyint(x); });
  check_unary(UnaryOp::floor, 0, "floor", [](double x) { return std::floor(x); });
  check_unary(UnaryOp::ceil, 0, "ceil", [](double x) { return std::ceil(x); });
}
TEST(Unary, ExactOnes) {
  check_unary(UnaryOp::abs, 0, "abs", [](double x) { return std::fabs(x); });
  check_unary(UnaryOp::neg, 0, "neg", [](double x) { return -x; });
  check_unary(UnaryOp::sqrt, 0.5, "sqrt", [](double x) { return std::sqrt(x); });
  check_unary(UnaryOp::sign, 0, "sign", [](double x) { return x > 0 ? 1 : x < 0 ? -1 : x; });
}

TEST(Binary, StepsAndTails) {
  for (const auto& variant : binary_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    testing::Random random(3);
    for (const std::int64_t n : testing::sizes_around_powers_of_two(64)) {
      for (const int a_step : {0, 1}) {
        for (const int b_step : {0, 1}) {
          const auto size = static_cast<std::size_t>(n);
          testing::GuardedBuffer<> a(a_step ? size : 1), b(b_step ? size : 1), dst(size);
          random.fill(a.span());
          random.fill(b.span());
          dst.poison();
          variant.fn(BinaryOp::sub, a.data(), a_step, b.data(), b_step, dst.data(), n);
          for (std::size_t i = 0; i < size; i++) ASSERT_EQ(dst[i], a[a_step ? i : 0] - b[b_step ? i : 0]);
        }
      }
    }
  }
}

TEST(Binary, MinAndMaxPassNanOn) {
  for (const auto& variant : binary_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    const float a[] = {kNan, 1, kNan, 2}, b[] = {1, kNan, kNan, 3};
    float least[4], greatest[4];
    variant.fn(BinaryOp::min, a, 1, b, 1, least, 4);
    variant.fn(BinaryOp::max, a, 1, b, 1, greatest, 4);
    for (int i = 0; i < 3; i++) EXPECT_TRUE(std::isnan(least[i]) && std::isnan(greatest[i])) << i;
    EXPECT_EQ(least[3], 2);
    EXPECT_EQ(greatest[3], 3);
  }
}

}  // namespace
}  // namespace adze
