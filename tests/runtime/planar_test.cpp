// Convolutions that read a planar image: which do, that the transpose before them is gone, and that raw and optimised
// plans agree.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/inverted_residual.h"
#include "tests/support/passes_runner.h"

namespace adze::testing {
namespace {

struct Layer {
  std::int64_t channels = 3, h = 12, w = 15;
  std::int64_t kernel = 3, stride = 1, dilation = 1, groups = 1;
};

class PlanarGraph : public ModelBuilder {
 public:
  explicit PlanarGraph(const Layer& layer = {}) : layer_(layer) {
    input("x", {2, layer.channels, layer.h, layer.w}).output("y");
  }

  // A convolution of x to 8 channels; the weights and the bias are inputs where they aren't constant.
  PlanarGraph& conv(const std::string& to, bool constant_weights = true, bool constant_bias = true) {
    return conv(to, layer_, constant_weights, constant_bias);
  }
  PlanarGraph& conv(const std::string& to, const Layer& l, bool constant_weights = true, bool constant_bias = true) {
    operand(to + ".w", {8, l.channels / l.groups, l.kernel, l.kernel}, constant_weights);
    operand(to + ".b", {8}, constant_bias);
    auto& made = node("Conv", {"x", to + ".w", to + ".b"}, {to});
    set(made, "group", l.groups);
    set(made, "strides", {l.stride, l.stride});
    set(made, "dilations", {l.dilation, l.dilation});
    const std::int64_t pad = l.kernel / 2 * l.dilation;
    set(made, "pads", {pad, pad, pad, pad});
    return *this;
  }

 private:
  void operand(const std::string& name, const Shape& shape, bool constant) {
    const Tensor values = random_tensor(shape, seed_++, -0.3f, 0.3f);
    if (constant) {
      initializer(name, values);
    } else {
      input(name, {shape.begin(), shape.end()});
    }
  }

  Layer layer_;
  std::uint64_t seed_ = 1;
};

std::string kernel_of(const char* family) { return concat(family, isa_name(active_isa())); }

bool reads_planar(const PassesRun& run) { return std::ranges::count(run.kernels, kernel_of("planar_conv_f32/")) > 0; }

// Agrees, as one convolution that reads x as it is.
void expect_planar(const PlanarGraph& m, const std::string& steps, bool exact) {
  const PassesRun run = expect_passes_agree(m.serialized());
  EXPECT_EQ(run.steps, steps);
  EXPECT_EQ(run.exact, exact);
  EXPECT_EQ(std::ranges::count(run.kernels, kernel_of("planar_conv_f32/")), std::ranges::count(run.steps, 'C'));
}

TEST(PlanarModel, FirstLayersReadTheImageAsItIs) {
  for (const std::int64_t channels : {1, 2, 3, 4}) {
    for (const std::int64_t stride : {1, 2, 4}) {
      for (const std::int64_t kernel : {1, 3, 7}) {
        SCOPED_TRACE(concat(channels, " channels, stride ", stride, ", kernel ", kernel));
        PlanarGraph m({.channels = channels, .kernel = kernel, .stride = stride});
        m.conv("y");
        expect_planar(m, "Conv Transpose", channels == 1);
      }
    }
  }
}

TEST(PlanarModel, WithAResidualAndAnActivation) {
  for (const std::int64_t channels : {1, 3}) {
    PlanarGraph m({.channels = channels});
    m.conv("c").input("r", {2, 8, 12, 15});
    m.node("Add", {"r", "c"}, {"sum"});
    m.node("Relu", {"sum"}, {"y"});
    expect_planar(m, "Transpose Conv Transpose", channels == 1);
  }
}

TEST(PlanarModel, TwoLayersMayReadOneImage) {
  PlanarGraph m;
  m.conv("y").conv("z").output("z");
  expect_planar(m, "Conv Transpose Conv Transpose", false);
}

TEST(PlanarModel, ATransposeThatIsReadElsewhereStays) {
  PlanarGraph m;
  m.conv("y").conv("z", {.dilation = 2}).output("z");
  const PassesRun run = expect_passes_agree(m.serialized());
  EXPECT_EQ(run.steps, "Transpose Conv Transpose Conv Transpose");
  EXPECT_EQ(std::ranges::count(run.kernels, kernel_of("planar_conv_f32/")), 1);
  EXPECT_EQ(std::ranges::count(run.kernels, kernel_of("conv_f32/")), 1);
}

TEST(PlanarModel, OtherLayersReadChannelsLast) {
  for (const Layer& layer : {Layer{.channels = 5}, Layer{.dilation = 2}, Layer{.channels = 4, .groups = 2},
                             Layer{.stride = 3}, Layer{.w = 1}, Layer{.channels = 4, .kernel = 17}}) {
    SCOPED_TRACE(concat(layer.channels, " channels, ", layer.w, " wide, kernel ", layer.kernel, ", stride ",
                        layer.stride, ", dilation ", layer.dilation, ", groups ", layer.groups));
    PlanarGraph m(layer);
    m.conv("y");
    const PassesRun run = expect_passes_agree(m.serialized());
    EXPECT_EQ(run.steps, "Transpose Conv Transpose");
    EXPECT_FALSE(reads_planar(run));
    EXPECT_TRUE(run.exact);
  }
}

TEST(PlanarModel, ComputedWeightsAndBiasesReadChannelsLast) {
  for (const bool weights : {false, true}) {
    PlanarGraph m;
    m.conv("y", weights, !weights);
    const PassesRun run = expect_passes_agree(m.serialized());
    EXPECT_FALSE(reads_planar(run));
    EXPECT_TRUE(run.exact);
  }
}

TEST(PlanarModel, AnImageThatComesChannelsLastStaysSo) {
  ModelBuilder m;
  m.input("x", {2, 12, 15, 3}).output("y").initializer("w", random_tensor({8, 3, 3, 3}, 1));
  set(m.node("Transpose", {"x"}, {"t"}), "perm", {0, 3, 1, 2});
  m.node("Conv", {"t", "w"}, {"y"});
  const PassesRun run = expect_passes_agree(m.serialized());
  EXPECT_EQ(run.steps, "Conv Transpose");
  EXPECT_EQ(run.kernels.at(0), kernel_of("conv_f32/"));
  EXPECT_TRUE(run.exact);
}

TEST(PlanarModel, StripsBeginBehindOne) {
  const PassesRun run = expect_passes_agree(InvertedResidualModel({.in = 3}).serialized());
  EXPECT_EQ(run.steps, "Conv Strips Transpose");
  EXPECT_EQ(run.kernels.at(0), kernel_of("planar_conv_f32/"));
}

TEST(PlanarModel, SameBytesForThreadsAndVariants) {
  PlanarGraph m({.h = 40, .w = 37, .kernel = 5, .stride = 2});
  m.conv("c");
  m.node("Sigmoid", {"c"}, {"s"});
  m.node("Mul", {"c", "s"}, {"y"});
  const std::string bytes = m.serialized();
  const PassesRun want = run_passes_of(bytes, {});
  ASSERT_EQ(want.outputs.size(), 1u);
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > cpu_isa()) continue;
    ModelOptions options;
    options.isa = isa;
    for (const int threads : {1, 2, 3, 5}) {
      const PassesRun run = run_passes_of(bytes, options, threads);
      ASSERT_EQ(run.kernels.at(0), concat("planar_conv_f32/", isa_name(isa)));
      EXPECT_TRUE(same_bytes(run.outputs.at(0), want.outputs[0])) << isa_name(isa) << ' ' << threads << " threads";
    }
  }
}

// x without any channels, or any rows.
TEST(PlanarModel, EmptyImagesReadChannelsLast) {
  for (const std::int64_t axis : {1, 2}) {
    ModelBuilder m;
    m.input("x", {2, 3, 12, 15}).output("y").initializer("w", random_tensor({8, axis == 1 ? 0 : 3, 1, 3}, 1));
    const std::vector<std::int64_t> none{0}, axes{axis};
    m.initializer("none", Tensor::from_ints(none)).initializer("axes", Tensor::from_ints(axes));
    m.node("Slice", {"x", "none", "none", "axes"}, {"empty"});
    auto& conv = m.node("Conv", {"empty", "w"}, {"y"});
    set_string(conv, "auto_pad", "SAME_UPPER");
    set(conv, "strides", {3, 1});
    EXPECT_FALSE(reads_planar(expect_passes_agree(m.serialized())));
  }
}

}  // namespace
}  // namespace adze::testing
