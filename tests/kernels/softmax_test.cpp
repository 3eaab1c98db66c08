#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

TEST(SoftmaxRows, MatchesReference) {
  for (const auto& variant : softmax_rows_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    testing::Random random(1);
    for (const std::int64_t cols : testing::sizes_around_powers_of_two(256)) {
      const std::size_t n = static_cast<std::size_t>(3 * cols);
      testing::GuardedBuffer src(n), dst(n);
      random.fill(src.span(), -20, 20);
      dst.poison();
      variant.fn(src.data(), cols, dst.data(), cols, 3, cols, false);
      for (std::size_t r = 0; r < 3; r++) {
        double total = 0;
        for (std::size_t c = 0; c < static_cast<std::size_t>(cols); c++) total += std::exp(double(src[r * cols + c]));
        for (std::size_t c = 0; c < static_cast<std::size_t>(cols); c++) {
          const double want = std::exp(double(src[r * cols + c])) / total;
          // x - m is rounded before exp sees it (|x - m| <= 40); exp, the sum and the division add a few roundings.
          ASSERT_NEAR(dst[r * cols + c], want, (40 + 4 + double(cols) / 16) * 6e-8 * want)
              << isa_name(variant.isa) << " cols " << cols;
        }
      }
    }
  }
}

}  // namespace
}  // namespace adze
