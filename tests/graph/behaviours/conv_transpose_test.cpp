// Behaviours 3 and 4: what decides the size and the padding of a transposed convolution.
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

// The whole of what the input scatters along one axis, [oc, (n - 1) * stride + reach], without pads.
struct Scatter {
  std::int64_t channels, size, group_oc, kernel, stride = 1, dilation = 1, groups = 1;

  Tensor x() const { return random_tensor({1, channels, size}, 1); }
  Tensor w() const { return random_tensor({channels, group_oc, kernel}, 2); }
  std::int64_t full() const { return (size - 1) * stride + (kernel - 1) * dilation + 1; }
  // Positions [first, first + count) of it, zero behind its end.
  std::vector<float> crop(std::int64_t first, std::int64_t count) const {
    const std::vector<float> xs = values<float>(x()), ws = values<float>(w());
    std::vector<float> result;
    for (std::int64_t o = 0; o < group_oc * groups; o++)
      for (std::int64_t at = first; at < first + count; at++) {
        double sum = 0;
        for (std::int64_t c = 0; c < channels; c++)
          for (std::int64_t i = 0; i < size; i++)
            for (std::int64_t k = 0; k < kernel; k++) {
              if (c / (channels / groups) != o / group_oc || i * stride + k * dilation != at) continue;
              sum += static_cast<double>(xs[static_cast<std::size_t>(c * size + i)]) *
                     static_cast<double>(ws[static_cast<std::size_t>((c * group_oc + o % group_oc) * kernel + k)]);
            }
        result.push_back(static_cast<float>(sum));
      }
    return result;
  }
  Tensor run(AttributeList more) const {
    more.emplace_back("strides", Ints{stride});
    more.emplace_back("dilations", Ints{dilation});
    more.emplace_back("group", groups);
    return run_op("ConvTranspose", 11, more, {x(), w()});
  }
  void expect(const AttributeList& more, std::int64_t first, std::int64_t count) const {
    expect_values(run(more), {1, group_oc * groups, count}, crop(first, count));
  }
};

const Scatter kScatter{2, 4, 3, 3, 2};

TEST(Behaviour04, OutputPaddingAddsPositionsAtTheEndAlone) {
  kScatter.expect({{"output_padding", Ints{1}}}, 0, kScatter.full() + 1);
  kScatter.expect({{"output_padding", Ints{1}}, {"pads", Ints{1, 2}}}, 1, kScatter.full() - 2);
}

TEST(Behaviour04, OutputShapeOverridesPadsAndSplitsByAutoPad) {
  const std::int64_t full = kScatter.full();
  const auto wanted = [&](std::int64_t cut) {
    return std::pair<std::string, Attribute>("output_shape", Ints{full - cut});
  };
  const auto mode = [](const char* name) { return std::pair<std::string, Attribute>("auto_pad", std::string(name)); };
  // The odd element is cut at the end for SAME_UPPER, else at the beginning.
  kScatter.expect({wanted(3)}, 2, full - 3);
  kScatter.expect({wanted(3), mode("NOTSET")}, 2, full - 3);
  kScatter.expect({wanted(3), mode("SAME_LOWER")}, 2, full - 3);
  kScatter.expect({wanted(3), mode("SAME_UPPER")}, 1, full - 3);
  kScatter.expect({wanted(2), mode("SAME_UPPER")}, 1, full - 2);
  kScatter.expect({wanted(2), {"pads", Ints{0, 2}}}, 1, full - 2);
  kScatter.expect({wanted(0)}, 0, full);
}

TEST(Behaviour04, OutputPaddingCountsTowardsOutputShape) {
  const std::int64_t full = kScatter.full() + 1;
  kScatter.expect({{"output_shape", Ints{full - 3}}, {"output_padding", Ints{1}}}, 2, full - 3);
}

TEST(Behaviour04, ALargerOutputShapeGrowsAtTheEnd) {
  kScatter.expect({{"output_shape", Ints{kScatter.full() + 2}}}, 0, kScatter.full() + 2);
}

TEST(Behaviour03, NegativePadsOfATransposedConvolutionExtend) {
  kScatter.expect({{"pads", Ints{-1, -2}}}, -1, kScatter.full() + 3);
  kScatter.expect({{"pads", Ints{2, -1}}}, 2, kScatter.full() - 1);
}

TEST(Behaviour04, OutputShapeMayListAllDimensions) {
  kScatter.expect({{"output_shape", Ints{1, 3, kScatter.full() - 2}}}, 1, kScatter.full() - 2);
}

TEST(Behaviour04, GroupsAndDilationsWithPads) {
  const Scatter grouped{4, 5, 3, 2, 3, 2, 2};
  grouped.expect({}, 0, grouped.full());
  grouped.expect({{"pads", Ints{2, 1}}}, 2, grouped.full() - 3);
  const Scatter depthwise{6, 4, 1, 3, 2, 2, 6};
  depthwise.expect({{"pads", Ints{1, 0}}, {"output_padding", Ints{1}}}, 1, depthwise.full());
}

TEST(Behaviour04, SizesThatMakeNoSenseAreRefused) {
  const auto refused = [](const AttributeList& more) {
    return !try_op("ConvTranspose", 11, more, {kScatter.x(), kScatter.w()}).has_value();
  };
  EXPECT_TRUE(refused({{"pads", Ints{9, 9}}}));
  EXPECT_TRUE(refused({{"output_shape", Ints{-1}}}));
  EXPECT_TRUE(refused({{"output_shape", Ints{4, 4}}}));
  EXPECT_TRUE(refused({{"output_padding", Ints{1, 1}}}));
  EXPECT_TRUE(refused({{"group", std::int64_t{3}}}));
}

}  // namespace
}  // namespace adze::testing
