// Conv and ConvTranspose against a direct double reference over kernels, strides, dilations, groups and pads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/support/op_runner.h"
#include "tests/support/random.h"

namespace adze::testing {
namespace {

struct Conv2d {
  std::int64_t n = 1, c = 3, h = 7, w = 6, oc = 4, kh = 3, kw = 3, sh = 1, sw = 1, dh = 1, dw = 1, groups = 1;
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;
  bool bias = true;

  std::int64_t oh() const { return (h + top + bottom - (kh - 1) * dh - 1) / sh + 1; }
  std::int64_t ow() const { return (w + left + right - (kw - 1) * dw - 1) / sw + 1; }
  AttributeList attributes() const {
    return {{"strides", std::vector<std::int64_t>{sh, sw}},
            {"dilations", std::vector<std::int64_t>{dh, dw}},
            {"pads", std::vector<std::int64_t>{top, left, bottom, right}},
            {"group", groups}};
  }
};

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  auto made = Tensor::allocate(DType::f32, shape);
  Random(seed).fill({made.as<float>(), static_cast<std::size_t>(shape.elements())});
  return made.tensor;
}

std::string name_of_case(const Conv2d& p) {
  return concat("n", p.n, " c", p.c, ' ', p.h, 'x', p.w, " oc", p.oc, " k", p.kh, 'x', p.kw, " s", p.sh, p.sw, " d",
                p.dh, p.dw, " g", p.groups, " p", p.top, p.left, p.bottom, p.right);
}

void check_conv(const Conv2d& p, const EvaluateOptions& options) {
  const Tensor x = random_tensor({p.n, p.c, p.h, p.w}, 1), w = random_tensor({p.oc, p.c / p.groups, p.kh, p.kw}, 2);
  const Tensor b = p.bias ? random_tensor({p.oc}, 3) : Tensor();
  const Tensor y = run_op("Conv", 22, p.attributes(), {x, w, b}, options);
  ASSERT_EQ(y.shape(), (Shape{p.n, p.oc, p.oh(), p.ow()})) << name_of_case(p);
  const auto xs = x.as<float>(), ws = w.as<float>(), ys = y.as<float>();
  const std::int64_t ic = p.c / p.groups, per_group = p.oc / p.groups;
  std::size_t at = 0;
  for (std::int64_t n = 0; n < p.n; n++)
    for (std::int64_t o = 0; o < p.oc; o++)
      for (std::int64_t i = 0; i < p.oh(); i++)
        for (std::int64_t j = 0; j < p.ow(); j++, at++) {
          double sum = p.bias ? b.as<float>()[static_cast<std::size_t>(o)] : 0, magnitude = std::fabs(sum);
          for (std::int64_t c = 0; c < ic; c++)
            for (std::int64_t ky = 0; ky < p.kh; ky++)
              for (std::int64_t kx = 0; kx < p.kw; kx++) {
                const std::int64_t sy = i * p.sh + ky * p.dh - p.top, sx = j * p.sw + kx * p.dw - p.left;
                if (sy < 0 || sx < 0 || sy >= p.h || sx >= p.w) continue;
                const double product =
                    static_cast<double>(
                        xs[static_cast<std::size_t>(((n * p.c + o / per_group * ic + c) * p.h + sy) * p.w + sx)]) *
                    ws[static_cast<std::size_t>(((o * ic + c) * p.kh + ky) * p.kw + kx)];
                sum += product;
                magnitude += std::fabs(product);
              }
          // One rounding per multiply-add of a chain of k.
          ASSERT_NEAR(ys[at], sum, 6e-8 * static_cast<double>(ic * p.kh * p.kw + 2) * magnitude + 1e-12)
              << name_of_case(p) << " element " << at;
        }
}

std::vector<EvaluateOptions> every_isa() {
  std::vector<EvaluateOptions> result;
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa <= cpu_isa()) result.push_back({isa, 1});
  }
  return result;
}

std::vector<Conv2d> grid() {
  std::vector<Conv2d> cases;
  for (const auto& [kh, kw] : std::vector<std::pair<int, int>>{{1, 1}, {3, 3}, {5, 5}, {1, 3}, {2, 7}})
    for (const int stride : {1, 2, 3})
      for (const int dilation : {1, 2}) {
        Conv2d p{.h = 15, .w = 17, .kh = kh, .kw = kw, .sh = stride, .sw = stride, .dh = dilation, .dw = dilation};
        p.top = kh / 2;
        p.left = kw / 2;
        p.right = 1;
        cases.push_back(p);
      }
  for (const int channels : {1, 15, 16, 17, 33}) {
    cases.push_back({.c = channels,
                     .h = 9,
                     .w = 20,
                     .oc = channels,
                     .groups = channels,
                     .top = 1,
                     .left = 1,
                     .bottom = 1,
                     .right = 1});
    cases.push_back({.c = channels,
                     .h = 9,
                     .w = 20,
                     .oc = channels,
                     .kh = 5,
                     .kw = 5,
                     .sh = 2,
                     .sw = 2,
                     .groups = channels,
                     .top = 2,
                     .left = 2,
                     .bottom = 2,
                     .right = 2});
    cases.push_back({.c = channels, .oc = 2 * channels + 1});
  }
  cases.push_back({.n = 3, .c = 8, .oc = 12, .groups = 4});
  cases.push_back({.c = 4, .oc = 8, .groups = 4, .bias = false});                   // depthwise with a multiplier
  cases.push_back({.c = 600, .h = 4, .w = 4, .oc = 70, .kh = 1, .kw = 1});          // k is cut into stretches
  cases.push_back({.c = 130, .h = 5, .w = 5, .oc = 80, .top = 1, .left = 1});       // several panels, taps cut
  cases.push_back({.h = 2, .w = 2, .top = 5, .left = 5, .bottom = 5, .right = 5});  // windows wholly in the padding
  return cases;
}

TEST(Conv, MatchesADirectSum) {
  for (const Conv2d& p : grid()) {
    for (const EvaluateOptions& options : every_isa()) check_conv(p, options);
  }
}

TEST(Conv, SameBytesForEveryVariantAndSlicing) {
  for (const Conv2d& p : grid()) {
    const Tensor x = random_tensor({p.n, p.c, p.h, p.w}, 4), w = random_tensor({p.oc, p.c / p.groups, p.kh, p.kw}, 5);
    const Tensor want = run_op("Conv", 11, p.attributes(), {x, w});
    for (EvaluateOptions options : every_isa()) {
      for (const int parts : {1, 2, 5}) {
        options.parts = parts;
        const Tensor got = run_op("Conv", 11, p.attributes(), {x, w}, options);
        ASSERT_EQ(std::memcmp(want.raw(), got.raw(), want.bytes()), 0)
            << name_of_case(p) << ' ' << isa_name(options.isa) << ' ' << parts;
      }
    }
  }
}

TEST(Conv, AutoPadPutsTheOddElementWhereItSays) {
  const Tensor x = tensor({1, 1, 1, 4}, {1, 2, 3, 4}), w = tensor({1, 1, 1, 2}, {1, 10});
  const auto y = [&](const char* mode) { return run_op("Conv", 11, {{"auto_pad", std::string(mode)}}, {x, w}); };
  EXPECT_EQ(y("SAME_UPPER").as<float>()[3], 4);   // padded behind
  EXPECT_EQ(y("SAME_LOWER").as<float>()[0], 10);  // padded before
  EXPECT_EQ(y("VALID").elements(), 3);
}

TEST(Conv, OneAndThreeAxes) {
  const Tensor line = run_op("Conv", 11, {}, {tensor({1, 1, 4}, {1, 2, 3, 4}), tensor({1, 1, 2}, {1, 1})});
  EXPECT_EQ(line.shape(), (Shape{1, 1, 3}));
  EXPECT_EQ(line.as<float>()[2], 7);
  const Tensor cube =
      run_op("Conv", 11, {},
             {tensor({1, 1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), tensor({1, 1, 2, 2, 2}, std::vector<float>(8, 1))});
  EXPECT_EQ(cube.as<float>()[0], 36);
}

TEST(Conv, ShapesThatDontFitAreErrors) {
  const Tensor x = random_tensor({1, 4, 5, 5}, 1);
  const auto refused = [&](const Tensor& w, const AttributeList& attributes, const std::string& part) {
    const auto result = try_op("Conv", 11, attributes, {x, w});
    ASSERT_FALSE(result) << part;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  refused(random_tensor({2, 3, 3, 3}, 1), {}, "don't fit");
  refused(random_tensor({3, 2, 3, 3}, 1), {{"group", std::int64_t{2}}}, "don't fit");
  refused(random_tensor({2, 4, 3}, 1), {}, "rank");
  refused(random_tensor({2, 4, 6, 6}, 1), {}, "spans 6");
  refused(random_tensor({2, 4, 3, 3}, 1), {{"strides", std::vector<std::int64_t>{1}}}, "1 entries");
  refused(random_tensor({2, 4, 3, 3}, 1), {{"kernel_shape", std::vector<std::int64_t>{2, 2}}}, "kernel_shape");
  refused(random_tensor({2, 4, 3, 3}, 1), {{"auto_pad", std::string("SOME")}}, "auto_pad");
  refused(Tensor::allocate(DType::f32, {2, 4, 0, 3}).tensor, {}, "empty");
}

// ---- ConvTranspose --------------------------------------------------------------------------------------------------

TEST(ConvTranspose, MatchesScatteredSums) {
  struct Case {
    std::int64_t c, oc, h, w, k, stride, dilation, groups, pad, extra;
  };
  for (const Case& p : std::vector<Case>{{3, 4, 5, 4, 3, 1, 1, 1, 0, 0},
                                         {3, 4, 5, 4, 3, 2, 1, 1, 1, 1},
                                         {4, 6, 4, 4, 2, 2, 1, 2, 0, 0},
                                         {2, 3, 4, 3, 3, 3, 2, 1, 1, 2},
                                         {1, 1, 3, 3, 1, 2, 1, 1, 0, 1},
                                         {5, 20, 6, 6, 4, 2, 1, 1, 1, 0},
                                         {2, 2, 3, 3, 2, 4, 3, 1, 0, 0}}) {
    const Tensor x = random_tensor({2, p.c, p.h, p.w}, 1), w = random_tensor({p.c, p.oc / p.groups, p.k, p.k}, 2),
                 b = random_tensor({p.oc}, 3);
    const std::int64_t oh = (p.h - 1) * p.stride + p.extra + (p.k - 1) * p.dilation + 1 - 2 * p.pad,
                       ow = (p.w - 1) * p.stride + p.extra + (p.k - 1) * p.dilation + 1 - 2 * p.pad;
    std::vector<double> want(static_cast<std::size_t>(2 * p.oc * oh * ow));
    for (std::size_t i = 0; i < want.size(); i++)
      want[i] = b.as<float>()[i / static_cast<std::size_t>(oh * ow) % static_cast<std::size_t>(p.oc)];
    const std::int64_t ic = p.c / p.groups, oc = p.oc / p.groups;
    for (std::int64_t n = 0; n < 2; n++)
      for (std::int64_t c = 0; c < p.c; c++)
        for (std::int64_t y = 0; y < p.h; y++)
          for (std::int64_t xx = 0; xx < p.w; xx++)
            for (std::int64_t o = 0; o < oc; o++)
              for (std::int64_t ky = 0; ky < p.k; ky++)
                for (std::int64_t kx = 0; kx < p.k; kx++) {
                  const std::int64_t ty = y * p.stride + ky * p.dilation - p.pad,
                                     tx = xx * p.stride + kx * p.dilation - p.pad;
                  if (ty < 0 || tx < 0 || ty >= oh || tx >= ow) continue;
                  want[static_cast<std::size_t>(((n * p.oc + c / ic * oc + o) * oh + ty) * ow + tx)] +=
                      static_cast<double>(
                          x.as<float>()[static_cast<std::size_t>(((n * p.c + c) * p.h + y) * p.w + xx)]) *
                      w.as<float>()[static_cast<std::size_t>(((c * oc + o) * p.k + ky) * p.k + kx)];
                }
    const AttributeList attributes = {{"strides", std::vector<std::int64_t>{p.stride, p.stride}},
                                      {"dilations", std::vector<std::int64_t>{p.dilation, p.dilation}},
                                      {"group", p.groups},
                                      {"pads", std::vector<std::int64_t>(4, p.pad)},
                                      {"output_padding", std::vector<std::int64_t>{p.extra, p.extra}}};
    for (EvaluateOptions options : every_isa()) {
      options.parts = 3;
      const Tensor y = run_op("ConvTranspose", 11, attributes, {x, w, b}, options);
      ASSERT_EQ(y.shape(), (Shape{2, p.oc, oh, ow}));
      for (std::size_t i = 0; i < want.size(); i++) {
        ASSERT_NEAR(y.as<float>()[i], want[i], 6e-8 * static_cast<double>(ic * p.k * p.k + 2) * 20)
            << "k " << p.k << " stride " << p.stride << " dilation " << p.dilation << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace adze::testing
