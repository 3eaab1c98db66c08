#include "kernels/resize/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

TEST(BlendRows, MatchesReferenceOnEveryIsa) {
  const float weights[] = {0.25f, -0.5f, 1.125f};
  for (const std::int64_t n : testing::sizes_around_powers_of_two(100)) {
    const auto size = static_cast<std::size_t>(n);
    testing::Random random(static_cast<std::uint64_t>(n));
    testing::GuardedBuffer a(size), b(size), c(size), dst(size), portable(size);
    for (auto* row : {&a, &b, &c}) random.fill(row->span());
    const float* rows[] = {a.data(), b.data(), c.data()};
    for (const std::int64_t count : {1, 2, 3}) {
      blend_rows_f32.variants.back().fn(rows, weights, count, portable.data(), n);
      for (const auto& variant : blend_rows_f32.variants) {
        if (variant.isa > cpu_isa()) continue;
        dst.poison();
        variant.fn(rows, weights, count, dst.data(), n);
        ASSERT_EQ(std::memcmp(dst.data(), portable.data(), size * sizeof(float)), 0) << isa_name(variant.isa);
        for (std::size_t i = 0; i < size; i++) {
          double want = 0;
          for (std::int64_t t = 0; t < count; t++) want += double(weights[t]) * rows[t][i];
          ASSERT_NEAR(dst[i], want, 3 * 6e-8 * 2) << isa_name(variant.isa) << " n " << n;
        }
      }
    }
  }
}

TEST(ResizeRow, MatchesReferenceOnEveryIsa) {
  const std::vector<ResizeTap> taps = {{0, 1, 0}, {0, 2, 1}, {0, 0, 0}, {1, 3, 3}};
  const std::vector<float> weights = {1.0f, 0.75f, 0.25f, -0.125f, 0.625f, 0.5f};
  const float kFill = 7.5f;
  for (const std::int64_t inner : testing::sizes_around_powers_of_two(70)) {
    const auto out = taps.size() * static_cast<std::size_t>(inner);
    testing::Random random(static_cast<std::uint64_t>(inner));
    testing::GuardedBuffer src(static_cast<std::size_t>(4 * inner)), dst(out), portable(out);
    random.fill(src.span());
    const auto pixels = static_cast<std::int64_t>(taps.size());
    resize_row_f32.variants.back().fn(taps.data(), weights.data(), kFill, src.data(), portable.data(), inner, pixels,
                                      inner);
    for (const auto& variant : resize_row_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      dst.poison();
      variant.fn(taps.data(), weights.data(), kFill, src.data(), dst.data(), inner, pixels, inner);
      ASSERT_EQ(std::memcmp(dst.data(), portable.data(), out * sizeof(float)), 0) << isa_name(variant.isa);
      for (std::size_t i = 0; i < out; i++) {
        const ResizeTap& tap = taps[i / static_cast<std::size_t>(inner)];
        const auto c = static_cast<std::int64_t>(i) % inner;
        double want = tap.count ? 0 : kFill;
        for (std::int64_t t = 0; t < tap.count; t++) {
          want += double(weights[static_cast<std::size_t>(tap.weight + t)]) *
                  src[static_cast<std::size_t>((tap.first + t) * inner + c)];
        }
        ASSERT_NEAR(dst[i], want, 3 * 6e-8 * 2) << isa_name(variant.isa) << " inner " << inner << " i " << i;
      }
      // With pixels apart, what lies between them stays.
      constexpr std::size_t kGap = 3;
      const auto row = static_cast<std::size_t>(inner);
      testing::GuardedBuffer apart(out + (taps.size() - 1) * kGap);
      apart.poison();
      variant.fn(taps.data(), weights.data(), kFill, src.data(), apart.data(), inner + 3, pixels, inner);
      for (std::size_t x = 0; x < taps.size(); x++) {
        const float* pixel = apart.data() + x * (row + kGap);
        ASSERT_EQ(std::memcmp(pixel, dst.data() + x * row, row * sizeof(float)), 0) << isa_name(variant.isa);
        for (std::size_t i = 0; x + 1 < taps.size() && i < kGap; i++) ASSERT_TRUE(std::isnan(pixel[row + i]));
      }
    }
  }
}

}  // namespace
}  // namespace adze
