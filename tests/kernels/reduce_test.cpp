#include "kernels/reduce/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

constexpr ReduceOp kOps[] = {ReduceOp::sum, ReduceOp::abs_sum, ReduceOp::square_sum, ReduceOp::max, ReduceOp::min};

// The exact result over n elements `stride` apart, and the sum of magnitudes that bounds its rounding.
struct Exact {
  double value, magnitude;
};
Exact exact(ReduceOp op, const float* src, std::int64_t n, std::int64_t stride) {
  const double kInfinity = std::numeric_limits<double>::infinity();
  Exact result{op == ReduceOp::max ? -kInfinity : op == ReduceOp::min ? kInfinity : 0, 0};
  for (std::int64_t i = 0; i < n; i++) {
    const double x = src[i * stride];
    switch (op) {
      case ReduceOp::sum:
        result.value += x;
        break;
      case ReduceOp::abs_sum:
        result.value += std::fabs(x);
        break;
      case ReduceOp::square_sum:
        result.value += x * x;
        break;
      case ReduceOp::max:
        result.value = std::fmax(result.value, x);
        break;
      case ReduceOp::min:
        result.value = std::fmin(result.value, x);
        break;
    }
    result.magnitude += op == ReduceOp::square_sum ? x * x : std::fabs(x);
  }
  if (op == ReduceOp::max || op == ReduceOp::min) result.magnitude = 0;  // no rounding at all
  return result;
}

// n additions round by half an ulp each.
double tolerance(const Exact& want, std::int64_t n) { return 6e-8 * static_cast<double>(n) * want.magnitude; }

TEST(ReduceRows, MatchesReference) {
  for (const auto& variant : reduce_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (const std::int64_t r : testing::sizes_around_powers_of_two(200)) {
      testing::Random random(static_cast<std::uint64_t>(r));
      testing::GuardedBuffer src(static_cast<std::size_t>(3 * r)), dst(3);
      random.fill(src.span());
      for (const ReduceOp op : kOps) {
        dst.poison();
        variant.fn(op, src.data(), dst.data(), 3, r);
        for (std::int64_t row = 0; row < 3; row++) {
          const Exact want = exact(op, src.data() + row * r, r, 1);
          ASSERT_NEAR(dst[static_cast<std::size_t>(row)], want.value, tolerance(want, r))
              << isa_name(variant.isa) << " op " << static_cast<int>(op) << " r " << r;
        }
      }
    }
  }
}

TEST(ReduceColumns, MatchesReference) {
  for (const auto& variant : reduce_columns_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (const std::int64_t inner : testing::sizes_around_powers_of_two(200)) {
      const std::int64_t r = 5, pitch = inner + inner % 3, size = (r - 1) * pitch + inner;
      testing::Random random(static_cast<std::uint64_t>(inner));
      testing::GuardedBuffer src(static_cast<std::size_t>(size)), dst(static_cast<std::size_t>(inner));
      random.fill(src.span());
      for (const ReduceOp op : kOps) {
        dst.poison();
        variant.fn(op, src.data(), pitch, dst.data(), r, inner);
        for (std::int64_t i = 0; i < inner; i++) {
          const Exact want = exact(op, src.data() + i, r, pitch);
          ASSERT_NEAR(dst[static_cast<std::size_t>(i)], want.value, tolerance(want, r))
              << isa_name(variant.isa) << " op " << static_cast<int>(op) << " inner " << inner;
        }
      }
    }
  }
}

TEST(ReduceColumns, GiveTheSameForAnySlicingAndIsa) {
  for (const std::int64_t inner : {1, 16, 30, 77, 130}) {
    const ReducePlanes planes{3, 50, inner};
    testing::Random random(static_cast<std::uint64_t>(inner));
    std::vector<float> src(static_cast<std::size_t>(3 * 50 * inner)), want(static_cast<std::size_t>(3 * inner));
    random.fill(src, -100, 100);
    for (std::int64_t plane = 0; plane < planes.outer; plane++) {
      reduce_columns_f32.variants.back().fn(ReduceOp::sum, src.data() + plane * planes.r * inner, inner,
                                            want.data() + plane * inner, planes.r, inner);
    }
    for (const auto& variant : reduce_columns_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      for (int parts = 1; parts <= 5; parts++) {
        std::vector<float> got(want.size());
        std::int64_t written = 0;
        for (int part = 0; part < parts; part++) {
          written += reduce_columns(variant.fn, ReduceOp::sum, src.data(), got.data(), planes, {part, parts}).size();
        }
        EXPECT_EQ(written, 3 * inner);
        EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0)
            << isa_name(variant.isa) << " inner " << inner << ' ' << parts << " parts";
      }
    }
  }
}

TEST(ReduceRows, IsTheSameOnEveryIsa) {
  const std::int64_t r = 1001;
  testing::Random random(3);
  testing::GuardedBuffer src(static_cast<std::size_t>(2 * r));
  random.fill(src.span(), -100, 100);
  for (const ReduceOp op : kOps) {
    float want[2], got[2];
    reduce_rows_f32.variants.back().fn(op, src.data(), want, 2, r);
    for (const auto& variant : reduce_rows_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      variant.fn(op, src.data(), got, 2, r);
      EXPECT_EQ(std::memcmp(got, want, sizeof want), 0) << isa_name(variant.isa) << " op " << static_cast<int>(op);
    }
  }
}

TEST(ReduceRows, KeepsNaNWhereverItStands) {
  for (const auto& variant : reduce_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (std::size_t at = 0; at < 37; at++) {
      testing::GuardedBuffer src(37);
      src.fill(1);
      src[at] = std::numeric_limits<float>::quiet_NaN();
      for (const ReduceOp op : kOps) {
        float result = 0;
        variant.fn(op, src.data(), &result, 1, 37);
        EXPECT_TRUE(std::isnan(result)) << isa_name(variant.isa) << " op " << static_cast<int>(op) << " at " << at;
      }
    }
  }
}

TEST(ReduceRows, GivesTheNeutralElementForNothing) {
  const float kInfinity = std::numeric_limits<float>::infinity();
  const float kWant[] = {0, 0, 0, -kInfinity, kInfinity};
  for (const auto& variant : reduce_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (std::size_t i = 0; i < std::size(kOps); i++) {
      float result = 5;
      variant.fn(kOps[i], nullptr, &result, 1, 0);
      EXPECT_EQ(result, kWant[i]);
    }
  }
}

}  // namespace
}  // namespace adze
