#include "kernels/gemm/dot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace adze {
namespace {

struct Problem {
  std::int64_t m, n, k;
  bool bias = false, residual = false;
  ActivationArgs activation = {};
  std::int64_t gap = 0;  // floats between the rows of a, of c and of the residual
};

std::ostream& operator<<(std::ostream& out, const Problem& p) {
  return out << "m " << p.m << " n " << p.n << " k " << p.k << " bias " << p.bias << " residual " << p.residual
             << " activation " << static_cast<int>(p.activation.kind) << " gap " << p.gap;
}

std::size_t floats(std::int64_t rows, std::int64_t columns, std::int64_t gap) {
  return rows && columns ? static_cast<std::size_t>(rows * (columns + gap) - gap) : 0;
}

// Operands with nothing readable behind them.
struct Operands {
  Problem p;
  testing::GuardedBuffer<float> a, weights, bias, residual, packed;

  explicit Operands(const Problem& problem)
      : p(problem),
        a(floats(p.m, p.k, p.gap)),
        weights(static_cast<std::size_t>(p.k * p.n)),
        bias(static_cast<std::size_t>(p.bias ? p.n : 0)),
        residual(p.residual ? floats(p.m, p.n, p.gap) : 0),
        packed(static_cast<std::size_t>(p.n * dot_pitch(p.k))) {
    testing::Random random(static_cast<std::uint64_t>(p.m * 131 + p.n * 17 + p.k));
    for (auto* operand : {&a, &weights, &bias, &residual}) random.fill(operand->span());
    std::ranges::fill(packed.span(), 0.0f);
    pack_dots(p.k, p.n, packed.data(), [&](std::int64_t k, std::int64_t j) { return weight(k, j); });
  }

  float at(std::int64_t i, std::int64_t k) const { return a[static_cast<std::size_t>(i * (p.k + p.gap) + k)]; }
  float weight(std::int64_t k, std::int64_t j) const { return weights[static_cast<std::size_t>(k * p.n + j)]; }
};

// c with its gaps, all NaN before.
std::vector<float> multiply(const Operands& o, DotFn kernel, int parts) {
  const Problem& p = o.p;
  testing::GuardedBuffer<float> c(floats(p.m, p.n, p.gap));
  c.poison();
  const DotArgs args{.n = p.n,
                     .k = p.k,
                     .a = o.a.data(),
                     .lda = p.k + p.gap,
                     .w = o.packed.data(),
                     .c = c.data(),
                     .ldc = p.n + p.gap,
                     .bias = p.bias ? o.bias.data() : nullptr,
                     .residual = p.residual ? o.residual.data() : nullptr,
                     .ldr = p.n + p.gap,
                     .activation = p.activation};
  for (int part = 0; part < parts; part++) kernel(args, Slice{part, parts}.of(p.m));
  return {c.span().begin(), c.span().end()};
}

// The contract's own order.
float folded(const Operands& o, std::int64_t i, std::int64_t j) {
  float sums[64] = {};
  for (std::int64_t k = 0; k < o.p.k; k++) sums[k % 64] = std::fma(o.at(i, k), o.weight(k, j), sums[k % 64]);
  float lanes[16];
  for (int l = 0; l < 16; l++) lanes[l] = (sums[l] + sums[16 + l]) + (sums[32 + l] + sums[48 + l]);
  for (int width = 8; width > 0; width /= 2) {
    for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

std::vector<float> wanted(const Operands& o) {
  const Problem& p = o.p;
  std::vector<float> c(floats(p.m, p.n, p.gap), std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t i = 0; i < p.m; i++) {
    for (std::int64_t j = 0; j < p.n; j++) {
      const auto at = static_cast<std::size_t>(i * (p.n + p.gap) + j);
      float sum = folded(o, i, j);
      if (p.bias) sum += o.bias[static_cast<std::size_t>(j)];
      if (p.residual) sum += o.residual[at];
      if (p.activation.kind == Activation::clip) sum = std::fmin(p.activation.beta, std::fmax(p.activation.alpha, sum));
      c[at] = sum;
    }
  }
  return c;
}

void expect_same_bytes(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); i++) {
    if (std::isnan(want[i])) {
      ASSERT_TRUE(std::isnan(got[i])) << i;  // a gap
    } else {
      ASSERT_EQ(std::memcmp(&got[i], &want[i], sizeof(float)), 0) << i << ": " << got[i] << " not " << want[i];
    }
  }
}

void check(const Problem& p) {
  SCOPED_TRACE(::testing::Message() << p);
  const Operands o(p);
  const auto want = wanted(o);
  for (const auto& variant : dot_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    SCOPED_TRACE(isa_name(variant.isa));
    for (const int parts : {1, 3}) expect_same_bytes(multiply(o, variant.fn, parts), want);
  }
}

TEST(Dot, EveryVariantInTheContractsOrder) {
  for (const std::int64_t k : {1, 3, 15, 16, 17, 31, 48, 63, 64, 65, 129, 300}) {
    for (const std::int64_t n : {1, 2, 3, 4, 5, 8, 10, 15}) {
      for (const std::int64_t m : {1, 2, 5, 66}) check({.m = m, .n = n, .k = k});
    }
  }
}

TEST(Dot, Epilogues) {
  for (const std::int64_t n : {1, 3, 10}) {
    for (const std::int64_t gap : {0, 7}) {
      check({.m = 70, .n = n, .k = 40, .bias = true, .gap = gap});
      check({.m = 70, .n = n, .k = 40, .residual = true, .gap = gap});
      check({.m = 70,
             .n = n,
             .k = 40,
             .bias = true,
             .residual = true,
             .activation = {Activation::clip, -0.5f, 0.5f},
             .gap = gap});
    }
  }
}

TEST(Dot, Nothing) {
  check({.m = 0, .n = 3, .k = 20});
  check({.m = 3, .n = 0, .k = 20});
  check({.m = 3, .n = 2, .k = 0, .bias = true});
}

TEST(Dot, LongFunctionsOverAllRows) {
  for (const std::int64_t n : {1, 3}) {
    for (const std::int64_t gap : {0, 5}) {
      Problem p{.m = 70, .n = n, .k = 40, .bias = true, .gap = gap};
      const Operands plain(p);
      const auto sums = wanted(plain);
      p.activation.kind = Activation::sigmoid;
      const Operands o(p);
      for (const auto& variant : dot_f32.variants) {
        if (variant.isa > cpu_isa()) continue;
        const auto got = multiply(o, variant.fn, 2);
        for (std::size_t i = 0; i < got.size(); i++) {
          if (std::isnan(sums[i])) {
            EXPECT_TRUE(std::isnan(got[i]));
          } else {
            EXPECT_NEAR(got[i], 1 / (1 + std::exp(-static_cast<double>(sums[i]))), 2e-7);
          }
        }
      }
    }
  }
}

TEST(Dot, PaysForFewColumnsOnly) {
  EXPECT_TRUE(dots_pay(256, 1));
  EXPECT_TRUE(dots_pay(16, 1));
  EXPECT_TRUE(dots_pay(784, 10));
  EXPECT_FALSE(dots_pay(8, 1));
  EXPECT_FALSE(dots_pay(32, 8));
  EXPECT_FALSE(dots_pay(1 << 20, 16));
}

}  // namespace
}  // namespace adze
