// Behaviour 30: results are far nearer to their formulas than the relative 1e-3 that ONNX's own tests allow.
#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

struct Unary {
  const char* op;
  int opset;
  double (*exact)(double);
};
constexpr Unary kUnary[] = {
    {"Exp", 13, [](double x) { return std::exp(x); }},
    {"Tanh", 13, [](double x) { return std::tanh(x); }},
    {"Erf", 13, [](double x) { return std::erf(x); }},
    {"Sigmoid", 13, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"Softplus", 22, [](double x) { return std::log1p(std::exp(x)); }},
    {"Sin", 22, [](double x) { return std::sin(x); }},
    {"Cos", 22, [](double x) { return std::cos(x); }},
};

double unit_in_the_last_place(double x, int bits) {
  return std::ldexp(1, std::max(std::ilogb(std::fabs(x) + 1e-30), -10) - bits);
}

TEST(Behaviour30, UnaryFunctionsAreWithinAFewUnitsOfTheLastPlace) {
  const Tensor x = random_tensor({4000}, 1, -9, 9);
  for (const Unary& f : kUnary) {
    const Tensor y = run_op(f.op, f.opset, {}, {x});
    for (std::size_t i = 0; i < 4000; i++) {
      const double want = f.exact(static_cast<double>(x.as<float>()[i]));
      ASSERT_NEAR(y.as<float>()[i], want, 8 * unit_in_the_last_place(want, 23)) << f.op << ' ' << x.as<float>()[i];
    }
  }
}

// Sixteen-bit floats are computed wider and rounded once.
template <class T, int kBits>
void expect_one_rounding() {
  const Tensor x = cast_to<T>(random_tensor({4000}, 2, -9, 9));
  for (const Unary& f : kUnary) {
    const Tensor y = run_op(f.op, f.opset, {}, {x});
    for (std::size_t i = 0; i < 4000; i++) {
      const double want = f.exact(static_cast<double>(static_cast<float>(x.as<T>()[i])));
      ASSERT_NEAR(static_cast<float>(y.as<T>()[i]), want, 0.51 * unit_in_the_last_place(want, kBits)) << f.op;
    }
  }
}
TEST(Behaviour30, SixteenBitFloatsAreRoundedOnce) {
  expect_one_rounding<Float16, 10>();
  expect_one_rounding<BFloat16, 7>();
}

TEST(Behaviour30, ALongProductIsWithinItsOwnBound) {
  constexpr std::int64_t k = 4096;
  const Tensor a = random_tensor({3, k}, 3), b = random_tensor({k, 5}, 4);
  const Tensor y = run_op("MatMul", 13, {}, {a, b});
  for (std::int64_t i = 0; i < 3; i++)
    for (std::int64_t j = 0; j < 5; j++) {
      double sum = 0, magnitude = 0;
      for (std::int64_t n = 0; n < k; n++) {
        const double product = static_cast<double>(a.as<float>()[static_cast<std::size_t>(i * k + n)]) *
                               static_cast<double>(b.as<float>()[static_cast<std::size_t>(n * 5 + j)]);
        sum += product;
        magnitude += std::fabs(product);
      }
      // Rounding errors of n additions grow as their root.
      ASSERT_NEAR(y.as<float>()[static_cast<std::size_t>(i * 5 + j)], sum, 0x1p-24 * std::sqrt(double{k}) * magnitude);
    }
}

}  // namespace
}  // namespace adze::testing
