#include "kernels/pool/pool.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

struct Case {
  const char* name;
  Spatial in, out, kernel, stride, dilation, pad, pad_end;
};
constexpr Case kCases[] = {
    {"plain", {1, 6, 6}, {1, 3, 3}, {1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {"padded", {1, 5, 7}, {1, 3, 4}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {"one-sided padding", {1, 4, 4}, {1, 4, 4}, {1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 1, 1}},
    {"hangs over the end", {1, 6, 6}, {1, 3, 3}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {"dilated", {1, 7, 7}, {1, 5, 5}, {1, 3, 3}, {1, 1, 1}, {1, 2, 2}, {0, 1, 1}, {0, 1, 1}},
    {"volume", {4, 4, 4}, {2, 2, 2}, {2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {"skips source", {1, 9, 9}, {1, 2, 2}, {1, 2, 2}, {1, 5, 5}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
};

PoolArgs args_of(const Case& c, std::int64_t channels, bool count_include_pad, const float* src, float* dst) {
  ConvGeometry g;
  g.n = 2;
  g.in = c.in;
  g.out = c.out;
  g.kernel = c.kernel;
  g.stride = c.stride;
  g.dilation = c.dilation;
  g.pad = c.pad;
  g.ic = g.ic_pitch = channels;
  return {g, c.pad_end, count_include_pad, src, dst};
}

// Asks of every tap whether it is inside, unlike the kernel.
double reference(const PoolArgs& args, bool max, std::int64_t pixel, std::int64_t channel) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t at[] = {pixel / g.out[2] / g.out[1] % g.out[0], pixel / g.out[2] % g.out[1], pixel % g.out[2]};
  double acc = max ? -std::numeric_limits<double>::infinity() : 0;
  std::int64_t count = 0;
  for (std::int64_t tap = 0; tap < volume(g.kernel); tap++) {
    const std::int64_t k[] = {tap / g.kernel[2] / g.kernel[1], tap / g.kernel[2] % g.kernel[1], tap % g.kernel[2]};
    bool inside = true, in_padding = true;
    std::int64_t offset = pixel / volume(g.out);
    for (std::size_t a = 0; a < kSpatial; a++) {
      const std::int64_t x = at[a] * g.stride[a] - g.pad[a] + k[a] * g.dilation[a];
      inside &= x >= 0 && x < g.in[a];
      in_padding &= x < g.in[a] + args.pad_end[a];
      offset = offset * g.in[a] + x;
    }
    if (inside) {
      const double value = args.src[offset * g.ic + channel];
      acc = max ? std::fmax(acc, value) : acc + value;
    }
    count += args.count_include_pad ? in_padding : inside;
  }
  return max ? acc : acc / static_cast<double>(count);
}

TEST(Pool, MatchesReferenceOnEveryIsa) {
  for (const Case& c : kCases) {
    for (const std::int64_t channels : {1, 3, 15, 16, 17, 33}) {
      const auto in = static_cast<std::size_t>(2 * volume(c.in) * channels);
      const auto out = static_cast<std::size_t>(2 * volume(c.out) * channels);
      testing::Random random(in);
      testing::GuardedBuffer src(in), dst(out), portable(out);
      random.fill(src.span(), -2, 1);
      for (const bool count_include_pad : {false, true}) {
        for (const bool max : {true, false}) {
          const auto& table = max ? max_pool_f32 : average_pool_f32;
          const PoolArgs args = args_of(c, channels, count_include_pad, src.data(), dst.data());
          PoolArgs portable_args = args;
          portable_args.dst = portable.data();
          table.variants.back().fn(portable_args, {0, args.geometry.pixels()});
          for (const auto& variant : table.variants) {
            if (variant.isa > cpu_isa()) continue;
            dst.poison();
            variant.fn(args, {3, args.geometry.pixels()});
            variant.fn(args, {0, 3});
            ASSERT_EQ(std::memcmp(dst.data(), portable.data(), out * sizeof(float)), 0) << c.name;
          }
          const double tolerance = max ? 0 : 6e-8 * 2 * static_cast<double>(volume(c.kernel));
          for (std::size_t i = 0; i < out; i++) {
            const auto pixel = static_cast<std::int64_t>(i) / channels,
                       channel = static_cast<std::int64_t>(i) % channels;
            ASSERT_NEAR(portable[i], reference(args, max, pixel, channel), tolerance)
                << c.name << " channels " << channels << " max " << max << " count_include_pad " << count_include_pad;
          }
        }
      }
    }
  }
}

TEST(MaxPool, KeepsNaN) {
  const Case& c = kCases[0];
  testing::GuardedBuffer src(72), dst(18);
  src.fill(1);
  src[7] = std::numeric_limits<float>::quiet_NaN();  // row 1, column 1: in the first window
  for (const auto& variant : max_pool_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    variant.fn(args_of(c, 1, false, src.data(), dst.data()), {0, 18});
    EXPECT_TRUE(std::isnan(dst[0])) << isa_name(variant.isa);
    EXPECT_EQ(dst[1], 1) << isa_name(variant.isa);
  }
}

}  // namespace
}  // namespace adze
