#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

// Checks r elements `stride` apart. x - m is rounded before exp sees it (|x - m| <= 40); exp, the sum (`chain`
// additions one after the other), the division or the logarithm add a few roundings.
void expect_softmax(const float* src, const float* dst, std::int64_t r, std::int64_t stride, double chain, bool log_of,
                    Isa isa) {
  double total = 0, top = -1e30;
  for (std::int64_t i = 0; i < r; i++) top = std::fmax(top, src[i * stride]);
  for (std::int64_t i = 0; i < r; i++) total += std::exp(src[i * stride] - top);
  const double relative = (40 + 6 + chain) * 6e-8;
  for (std::int64_t i = 0; i < r; i++) {
    const double log_y = src[i * stride] - top - std::log(total), y = std::exp(log_y);
    const double got = dst[i * stride];
    if (log_of) {
      ASSERT_NEAR(got, log_y, relative * (1 + std::fabs(log_y))) << isa_name(isa) << " r " << r;
    } else {
      ASSERT_NEAR(got, y, relative * y) << isa_name(isa) << " r " << r;
    }
  }
}

TEST(SoftmaxRows, MatchesReference) {
  for (const auto& variant : softmax_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    testing::Random random(1);
    for (const std::int64_t cols : testing::sizes_around_powers_of_two(256)) {
      const std::size_t n = static_cast<std::size_t>(3 * cols);
      testing::GuardedBuffer src(n), dst(n);
      random.fill(src.span(), -20, 20);
      for (const bool log_of : {false, true}) {
        dst.poison();
        variant.fn(src.data(), cols, dst.data(), cols, 3, cols, log_of);
        for (std::int64_t r = 0; r < 3; r++) {
          expect_softmax(src.data() + r * cols, dst.data() + r * cols, cols, 1, static_cast<double>(cols) / 16 + 4,
                         log_of, variant.isa);
        }
      }
    }
  }
}

TEST(SoftmaxColumns, MatchesReferenceInsideAWiderMatrix) {
  for (const auto& variant : softmax_columns_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    testing::Random random(2);
    for (const std::int64_t cols : testing::sizes_around_powers_of_two(70)) {
      const std::int64_t r = 7, stride = cols + 3;
      const auto n = static_cast<std::size_t>((r - 1) * stride + cols);
      testing::GuardedBuffer src(n), dst(n);
      random.fill(src.span(), -20, 20);
      for (const bool log_of : {false, true}) {
        dst.poison();
        variant.fn(src.data(), dst.data(), stride, r, cols, log_of);
        for (std::int64_t c = 0; c < cols; c++) {
          expect_softmax(src.data() + c, dst.data() + c, r, stride, static_cast<double>(r), log_of, variant.isa);
        }
        for (std::int64_t i = 0; i + 1 < r; i++) {
          for (std::int64_t c = cols; c < stride; c++) {
            EXPECT_TRUE(std::isnan(dst[static_cast<std::size_t>(i * stride + c)])) << "wrote beside its columns";
          }
        }
      }
    }
  }
}

TEST(Softmax, IsTheSameOnEveryIsaAndInPlace) {
  const std::int64_t rows = 5, cols = 133;
  testing::Random random(3);
  testing::GuardedBuffer src(rows * cols), want(rows * cols), got(rows * cols);
  random.fill(src.span(), -30, 30);
  for (const bool log_of : {false, true}) {
    softmax_rows_f32.variants.back().fn(src.data(), cols, want.data(), cols, rows, cols, log_of);
    for (const auto& variant : softmax_rows_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      std::memcpy(got.data(), src.data(), src.size() * sizeof(float));
      variant.fn(got.data(), cols, got.data(), cols, rows, cols, log_of);
      EXPECT_EQ(std::memcmp(got.data(), want.data(), src.size() * sizeof(float)), 0) << isa_name(variant.isa);
    }
    softmax_columns_f32.variants.back().fn(src.data(), want.data(), cols, rows, cols, log_of);
    for (const auto& variant : softmax_columns_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      std::memcpy(got.data(), src.data(), src.size() * sizeof(float));
      variant.fn(got.data(), got.data(), cols, rows, cols, log_of);
      EXPECT_EQ(std::memcmp(got.data(), want.data(), src.size() * sizeof(float)), 0) << isa_name(variant.isa);
    }
  }
}

TEST(SoftmaxRows, MakesARowWithNaNAllNaN) {
  for (const auto& variant : softmax_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (std::size_t at = 0; at < 20; at++) {
      testing::GuardedBuffer src(20), dst(20);
      src.fill(1);
      src[at] = std::numeric_limits<float>::quiet_NaN();
      variant.fn(src.data(), 20, dst.data(), 20, 1, 20, false);
      for (const float y : dst.span()) ASSERT_TRUE(std::isnan(y)) << isa_name(variant.isa) << " at " << at;
    }
  }
}

}  // namespace
}  // namespace adze
