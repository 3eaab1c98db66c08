#include "kernels/norm/norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

TEST(ScaleShift, IsOneFusedMultiplyAddOnEveryIsa) {
  for (const std::int64_t cols : testing::sizes_around_powers_of_two(70)) {
    const auto n = static_cast<std::size_t>(cols);
    testing::Random random(static_cast<std::uint64_t>(cols));
    const std::size_t pitch = n + n % 3;  // of the source
    testing::GuardedBuffer src(2 * pitch + n), scale(n), shift(n), dst(3 * n);
    for (auto* values : {&src, &scale, &shift}) random.fill(values->span(), -3, 3);
    for (const auto& variant : scale_shift_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      dst.poison();
      variant.fn(src.data(), static_cast<std::int64_t>(pitch), scale.data(), shift.data(), dst.data(), 3, cols);
      for (std::size_t i = 0; i < 3 * n; i++) {
        const float x = src[i / n * pitch + i % n];
        ASSERT_EQ(dst[i], std::fma(x, scale[i % n], shift[i % n])) << isa_name(variant.isa) << " cols " << cols;
      }
    }
  }
}

TEST(NormRows, MatchesReference) {
  const float kEpsilon = 1e-3f;
  for (const auto& variant : norm_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (const std::int64_t cols : testing::sizes_around_powers_of_two(200)) {
      const auto n = static_cast<std::size_t>(cols);
      testing::Random random(static_cast<std::uint64_t>(cols));
      testing::GuardedBuffer src(2 * n), scale(n), shift(n), dst(2 * n), mean(2), inverse(2);
      for (auto* values : {&src, &scale, &shift}) random.fill(values->span(), -1, 3);
      dst.poison();
      variant.fn({scale.data(), shift.data(), kEpsilon, mean.data(), inverse.data()}, src.data(), dst.data(), 2, cols);
      for (std::size_t r = 0; r < 2; r++) {
        double m = 0, squares = 0;
        for (std::size_t c = 0; c < n; c++) m += src[r * n + c] / double(n);
        for (std::size_t c = 0; c < n; c++) squares += (src[r * n + c] - m) * (src[r * n + c] - m);
        const double want_inverse = 1 / std::sqrt(squares / double(n) + double(kEpsilon));
        // Sums of n terms below 3 in sixteen chains; what the mean is off by, the differences are too.
        const double chain = double(n) / 16 + 8, mean_error = chain * 6e-8 * 3;
        ASSERT_NEAR(mean[r], m, mean_error);
        ASSERT_NEAR(inverse[r], want_inverse, want_inverse * (chain + 8) * 6e-8 * 3);
        for (std::size_t c = 0; c < n; c++) {
          const double x = (src[r * n + c] - m) * want_inverse;
          const double error = (mean_error * want_inverse + std::fabs(x) * (chain + 12) * 2e-7) * 3 + 4e-7;
          ASSERT_NEAR(dst[r * n + c], x * scale[c] + shift[c], error) << isa_name(variant.isa) << " cols " << cols;
        }
      }
    }
  }
}

TEST(NormRows, IsTheSameOnEveryIsaAndInPlace) {
  const std::size_t rows = 3, cols = 777;
  testing::Random random(4);
  testing::GuardedBuffer src(rows * cols), want(rows * cols), got(rows * cols);
  random.fill(src.span(), -10, 10);
  const NormArgs args{nullptr, nullptr, 1e-5f, nullptr, nullptr};
  norm_rows_f32.variants.back().fn(args, src.data(), want.data(), rows, cols);
  for (const auto& variant : norm_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    std::memcpy(got.data(), src.data(), src.size() * sizeof(float));
    variant.fn(args, got.data(), got.data(), rows, cols);
    EXPECT_EQ(std::memcmp(got.data(), want.data(), src.size() * sizeof(float)), 0) << isa_name(variant.isa);
  }
}

TEST(Deviation, MatchesReferenceOnEveryIsa) {
  for (const std::int64_t cols : testing::sizes_around_powers_of_two(70)) {
    const auto n = static_cast<std::size_t>(cols);
    testing::Random random(n);
    testing::GuardedBuffer src(7 * n), mean(n), dst(n), portable(n);
    random.fill(src.span(), -3, 3);
    random.fill(mean.span());
    deviation_f32.variants.back().fn(src.data(), mean.data(), portable.data(), 7, cols);
    for (const auto& variant : deviation_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      dst.poison();
      variant.fn(src.data(), mean.data(), dst.data(), 7, cols);
      ASSERT_EQ(std::memcmp(dst.data(), portable.data(), n * sizeof(float)), 0) << isa_name(variant.isa);
    }
    for (std::size_t c = 0; c < n; c++) {
      double want = 0;
      for (std::size_t r = 0; r < 7; r++)
        want += (double(src[r * n + c]) - mean[c]) * (double(src[r * n + c]) - mean[c]);
      ASSERT_NEAR(portable[c], want, 6e-8 * (7 + 2) * want + 6e-7) << "cols " << cols;
    }
  }
}

TEST(LrnRows, MatchesReferenceOnEveryIsa) {
  for (const std::int64_t cols : testing::sizes_around_powers_of_two(70)) {
    for (const float beta : {0.75f, 0.6f}) {
      const auto n = static_cast<std::size_t>(2 * cols);
      const std::int64_t before = std::min<std::int64_t>(2, cols - 1), after = std::min<std::int64_t>(3, cols - 1);
      testing::Random random(n);
      testing::GuardedBuffer src(n), dst(n), portable(n), padded(static_cast<std::size_t>(cols + before + after));
      random.fill(src.span(), -3, 3);
      const LrnArgs args{before, after, 0.25f, beta, 1.5f, padded.data()};
      lrn_rows_f32.variants.back().fn(args, src.data(), portable.data(), 2, cols);
      for (const auto& variant : lrn_rows_f32.variants) {
        if (variant.isa > cpu_isa()) continue;
        dst.poison();
        padded.poison();
        variant.fn(args, src.data(), dst.data(), 2, cols);
        ASSERT_EQ(std::memcmp(dst.data(), portable.data(), n * sizeof(float)), 0) << isa_name(variant.isa);
      }
      for (std::size_t i = 0; i < n; i++) {
        const std::int64_t row = static_cast<std::int64_t>(i) / cols, c = static_cast<std::int64_t>(i) % cols;
        double squares = 0;
        for (std::int64_t k = std::max<std::int64_t>(0, c - before); k <= std::min(cols - 1, c + after); k++) {
          squares +=
              double(src[static_cast<std::size_t>(row * cols + k)]) * src[static_cast<std::size_t>(row * cols + k)];
        }
        const double want = src[i] / std::pow(1.5 + 0.25 * squares, double(beta));
        // Six terms of the sum; the logarithm (below 3) and the exponential; a division.
        ASSERT_NEAR(portable[i], want, 6e-8 * 20 * std::fabs(want)) << "cols " << cols << " beta " << beta;
      }
    }
  }
}

}  // namespace
}  // namespace adze
