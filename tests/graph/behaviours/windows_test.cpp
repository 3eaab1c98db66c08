// Behaviours 1 to 3 of windows: automatic padding, rounding up, pads that differ at both ends.
#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

struct Slide {
  std::int64_t size, kernel, stride, dilation;
  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
};

std::vector<Slide> slides() {
  std::vector<Slide> all;
  for (std::int64_t size = 3; size <= 8; size++)
    for (const std::int64_t kernel : {1, 2, 3})
      for (const std::int64_t stride : {1, 2, 3})
        for (const std::int64_t dilation : {1, 2}) all.push_back({size, kernel, stride, dilation});
  return all;
}

AttributeList window(const Slide& h, const Slide& w, bool kernel_shape, bool dilations) {
  AttributeList list = {{"strides", Ints{h.stride, w.stride}}};
  if (kernel_shape) list.emplace_back("kernel_shape", Ints{h.kernel, w.kernel});
  if (dilations) list.emplace_back("dilations", Ints{h.dilation, w.dilation});
  return list;
}

AttributeList with(AttributeList list, const std::string& name, Attribute value) {
  list.emplace_back(name, std::move(value));
  return list;
}

// What each mode stands for: SAME gives ceil(size / stride) positions with the odd element of padding at the end for
// UPPER and at the beginning for LOWER, VALID pads nothing.
void expect_auto_pad(const char* op, int opset, bool has_weights, bool dilations) {
  const Slide w{5, 2, 1, 1};
  for (const Slide& h : slides()) {
    if (!dilations && h.dilation != 1) continue;
    std::vector<Tensor> inputs = {random_tensor({1, 2, h.size, w.size}, 1)};
    if (has_weights) inputs.push_back(random_tensor({3, 2, h.kernel, w.kernel}, 2));
    const AttributeList plain = window(h, w, !has_weights, dilations);
    const auto agree = [&](const char* mode, const Ints& pads, std::int64_t out) {
      const Tensor got = run_op(op, opset, with(plain, "auto_pad", std::string(mode)), inputs);
      ASSERT_EQ(got.shape()[2], out);
      ASSERT_TRUE(same_bytes(got, run_op(op, opset, with(plain, "pads", pads), inputs)))
          << op << ' ' << mode << ' ' << h.size << " k" << h.kernel << " s" << h.stride << " d" << h.dilation;
    };
    const std::int64_t out = (h.size + h.stride - 1) / h.stride;
    const std::int64_t total = std::max<std::int64_t>((out - 1) * h.stride + h.reach() - h.size, 0);
    const bool expressible = has_weights || (total + 1) / 2 < h.kernel;  // pools take no pads of their kernel's size
    if (expressible) agree("SAME_UPPER", {total / 2, 0, total - total / 2, 1}, out);
    if (expressible) agree("SAME_LOWER", {total - total / 2, 1, total / 2, 0}, out);
    if (h.reach() <= h.size) agree("VALID", {0, 0, 0, 0}, (h.size - h.reach()) / h.stride + 1);
  }
}

TEST(Behaviour01, AutoPadOfConvAlsoWithDilation) { expect_auto_pad("Conv", 11, true, true); }
TEST(Behaviour01, AutoPadOfMaxPoolAlsoWithDilation) { expect_auto_pad("MaxPool", 12, false, true); }
TEST(Behaviour01, AutoPadOfAveragePoolAlsoWithDilation) {
  expect_auto_pad("AveragePool", 11, false, false);
  expect_auto_pad("AveragePool", 19, false, true);
}
TEST(Behaviour01, AutoPadOfLpPoolAlsoWithDilation) {
  expect_auto_pad("LpPool", 11, false, false);
  expect_auto_pad("LpPool", 18, false, true);
}

TEST(Behaviour01, PaddingOfAutoPadIsNotCountedUnlessAsked) {
  const Tensor x = tensor({1, 1, 3}, {2, 4, 6});
  const AttributeList same = {{"kernel_shape", Ints{2}}, {"auto_pad", std::string("SAME_UPPER")}};
  expect_values(run_op("AveragePool", 11, same, {x}), {1, 1, 3}, {3, 5, 6});
  expect_values(run_op("AveragePool", 11, with(same, "count_include_pad", std::int64_t{1}), {x}), {1, 1, 3}, {3, 5, 3});
}

// SAME makes the result in * stride, whatever the kernel; explicit pads do the same where they can.
TEST(Behaviour01, AutoPadOfConvTransposeMultipliesByTheStride) {
  for (const Slide& h : slides()) {
    const Tensor x = random_tensor({1, 2, h.size, 4}, 1), w = random_tensor({2, 3, h.kernel, 1}, 2);
    const AttributeList plain = {{"strides", Ints{h.stride, 1}}, {"dilations", Ints{h.dilation, 1}}};
    const std::int64_t full = (h.size - 1) * h.stride + h.reach(), total = full - h.size * h.stride;
    for (const bool upper : {true, false}) {
      const Tensor got = run_op("ConvTranspose", 11,
                                with(plain, "auto_pad", std::string(upper ? "SAME_UPPER" : "SAME_LOWER")), {x, w});
      ASSERT_EQ(got.shape(), (Shape{1, 3, h.size * h.stride, 4}));
      if (total < 0) continue;
      const std::int64_t begin = upper ? total / 2 : total - total / 2;
      ASSERT_TRUE(
          same_bytes(got, run_op("ConvTranspose", 11, with(plain, "pads", Ints{begin, 0, total - begin, 0}), {x, w})));
    }
    ASSERT_EQ(run_op("ConvTranspose", 11, with(plain, "auto_pad", std::string("VALID")), {x, w}).shape()[2], full);
  }
}

// Positions begin inside the input or the padding before it; what hangs over the padding behind it never counts.
struct Pooled {
  std::vector<float> max, average, counted, norm;
};
Pooled pooled(const std::vector<float>& x, std::int64_t kernel, std::int64_t stride, std::int64_t begin,
              std::int64_t end) {
  Pooled result;
  const auto n = static_cast<std::int64_t>(x.size());
  for (std::int64_t first = -begin; first < n; first += stride) {
    float most = -INFINITY;
    double sum = 0, squares = 0;
    int inside = 0, counted = 0;
    for (std::int64_t i = first; i < first + kernel; i++) {
      counted += i < n + end;
      if (i < 0 || i >= n) continue;
      const float value = x[static_cast<std::size_t>(i)];
      most = std::max(most, value);
      sum += value;
      squares += value * value;
      inside++;
    }
    result.max.push_back(most);
    result.average.push_back(static_cast<float>(sum / inside));
    result.counted.push_back(static_cast<float>(sum / counted));
    result.norm.push_back(static_cast<float>(std::sqrt(squares)));
    if (first + kernel >= n + end) break;  // nothing is left behind this one
  }
  return result;
}

TEST(Behaviour02, CeilModeStartsTheLastWindowInsideAndDividesByTheClippedOne) {
  for (std::int64_t n = 2; n <= 9; n++)
    for (std::int64_t kernel = 1; kernel <= 4; kernel++)
      for (std::int64_t stride = 1; stride <= 4; stride++)
        for (std::int64_t begin = 0; begin < kernel; begin++)
          for (std::int64_t end = 0; end < kernel; end++) {
            if (n + begin + end < kernel) continue;
            const Tensor x = random_tensor({1, 1, n}, 3);
            const AttributeList plain = {{"kernel_shape", Ints{kernel}},
                                         {"strides", Ints{stride}},
                                         {"pads", Ints{begin, end}},
                                         {"ceil_mode", std::int64_t{1}}};
            const Pooled want = pooled(values<float>(x), kernel, stride, begin, end);
            SCOPED_TRACE(concat(n, " k", kernel, " s", stride, " pads ", begin, ' ', end));
            const Shape shape = {1, 1, static_cast<std::int64_t>(want.max.size())};
            expect_values(run_op("MaxPool", 12, plain, {x}), shape, want.max);
            expect_values(run_op("AveragePool", 19, plain, {x}), shape, want.average);
            expect_values(run_op("AveragePool", 19, with(plain, "count_include_pad", std::int64_t{1}), {x}), shape,
                          want.counted);
            expect_values(run_op("LpPool", 18, plain, {x}), shape, want.norm);
          }
}

// The specification gives one formula for VALID, ONNX Runtime rounds up.
TEST(Behaviour02, CeilModeChangesNothingWhereAutoPadDecides) {
  for (const char* name : {"VALID", "SAME_UPPER"}) {
    for (const char* op : {"MaxPool", "AveragePool", "LpPool"}) {
      const AttributeList plain = {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"auto_pad", std::string(name)}};
      const Tensor x = random_tensor({1, 1, 4}, 1);
      EXPECT_TRUE(
          same_bytes(run_op(op, 22, with(plain, "ceil_mode", std::int64_t{1}), {x}), run_op(op, 22, plain, {x})));
    }
  }
}

TEST(Behaviour03, PadsThatDifferAtBothEndsEqualAPadBefore) {
  const Tensor x = random_tensor({1, 2, 5, 4}, 1), w = random_tensor({3, 2, 3, 2}, 2);
  const Tensor padded = run_op("Pad", 13, {}, {x, ints({0, 0, 2, 0, 0, 0, 1, 3})});
  EXPECT_TRUE(
      same_bytes(run_op("Conv", 11, {{"pads", Ints{2, 0, 1, 3}}}, {x, w}), run_op("Conv", 11, {}, {padded, w})));
  const AttributeList kernel = {{"kernel_shape", Ints{3, 4}}};
  EXPECT_TRUE(same_bytes(
      run_op("AveragePool", 11,
             {{"kernel_shape", Ints{3, 4}}, {"pads", Ints{2, 0, 1, 3}}, {"count_include_pad", std::int64_t{1}}}, {x}),
      run_op("AveragePool", 11, kernel, {padded})));
}

TEST(Behaviour03, NegativePadsOfAConvolutionAreRefusedByName) {
  const Tensor x = random_tensor({1, 2, 7, 6}, 1), w = random_tensor({3, 2, 3, 2}, 2);
  const auto refused = try_op("Conv", 11, {{"pads", Ints{-1, 1, -2, -1}}}, {x, w});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("negative"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace adze::testing
