// Squeeze-and-excite blocks: what is folded into the convolutions before and behind, what isn't, and that bytes don't
// depend on who runs which part.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/passes_runner.h"
#include "tests/support/squeeze_excite.h"

namespace adze::testing {
namespace {

// The operators, without transposes, and those of their kernels that have taken something over: "Conv(sums) Conv".
std::string folded(const PassesRun& run) {
  std::string text, ops = run.steps + ' ';
  for (std::size_t i = 0; !ops.empty(); i++, ops.erase(0, ops.find(' ') + 1)) {
    const std::string op = ops.substr(0, ops.find(' ')), &kernel = run.kernels[i];
    if (op == "Transpose") continue;
    text += (text.empty() ? "" : " ") + op;
    if (kernel.ends_with(" sums")) text += "(sums)";
    if (kernel.ends_with(" scaled")) text += "(scaled)";
  }
  return text;
}

constexpr const char* kBoth = "Conv(sums) GlobalAveragePool Conv Conv Conv(scaled)";

std::string folded(const ModelBuilder& m) { return folded(expect_passes_agree(m.serialized())); }
std::string folded(const SqueezeExcite& block) { return folded(SqueezeExciteModel(block)); }

// On every instruction set and by any number of threads, alone and in a batch.
void expect_same_bytes(const SqueezeExcite& block) {
  const SqueezeExciteModel model(block);
  const PassesRun want = run_passes_of(model.serialized(), {});
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > cpu_isa()) continue;
    ModelOptions options;
    options.isa = isa;
    for (const int threads : {1, 2, 3, 5}) {
      const PassesRun run = run_passes_of(model.serialized(), options, threads);
      EXPECT_EQ(run.steps, want.steps);
      EXPECT_TRUE(same_bytes(run.outputs.at(0), want.outputs.at(0))) << isa_name(isa) << ' ' << threads << " threads";
    }
  }
}

// ---- what is folded -------------------------------------------------------------------------------------------------

TEST(Squeeze, TheDepthwiseConvolutionSumsUpAndTheNextOneMultiplies) { EXPECT_EQ(folded(SqueezeExcite{}), kBoth); }

TEST(Squeeze, EveryFormOfTheMeanOverAnImage) {
  EXPECT_EQ(folded({.pool = "ReduceMean"}), kBoth);
  EXPECT_EQ(folded({.pool = "AveragePool"}), kBoth);
  EXPECT_EQ(folded({.h = 14, .w = 15, .stride = 2, .pool = "AveragePool"}), kBoth);
}

TEST(Squeeze, EveryGateAndEitherOrderOfTheProduct) {
  EXPECT_EQ(folded({.gate = "HardSigmoid"}), kBoth);
  EXPECT_EQ(folded({.gate = "Exp", .scale_first = true}), "Conv(sums) GlobalAveragePool Conv Conv Exp Conv(scaled)");
}

TEST(Squeeze, BesideAResidual) { EXPECT_EQ(folded({.out = 24, .residual = true}), kBoth); }

TEST(Squeeze, BatchesAndAwkwardShapes) {
  EXPECT_EQ(folded({.n = 3, .h = 9, .w = 30, .c = 17, .squeezed = 1, .out = 1, .kernel = 5}), kBoth);
  EXPECT_EQ(folded({.n = 2, .h = 1, .w = 1}), "Conv(sums) GlobalAveragePool Conv Conv Mul Conv");
  EXPECT_EQ(folded({.n = 5, .h = 4, .w = 1, .c = 2, .out = 3}), kBoth);
  EXPECT_EQ(folded({.h = 7, .w = 9, .c = 1200, .squeezed = 40, .out = 16}), kBoth);  // k is cut in two
  EXPECT_EQ(folded({.n = 2, .h = 9, .w = 9, .c = 1200, .squeezed = 40, .out = 12}), kBoth);
}

TEST(Squeeze, StripsSumUpToo) {
  EXPECT_EQ(folded({.h = 56, .w = 57, .c = 96, .in = 16}), "Strips(sums) GlobalAveragePool Conv Conv Conv(scaled)");
}

TEST(Squeeze, GivesTheSameBytesHoweverItRuns) {
  expect_same_bytes({.n = 2, .h = 37, .w = 41, .c = 50});
  expect_same_bytes({.h = 21, .w = 20, .c = 200, .kernel = 5, .stride = 2});
  expect_same_bytes({.h = 7, .w = 7, .c = 1200, .squeezed = 48, .out = 16});
  expect_same_bytes({.h = 56, .w = 57, .c = 96, .in = 16});
}

TEST(Squeeze, GivesAnImageTheSameBytesInABatch) {
  const auto run = [](std::int64_t n) {
    SqueezeExciteModel model({.n = n, .h = 9, .w = 10});
    return run_passes_of(model.serialized(), {}, 2, n).outputs.at(0);
  };
  const Tensor one = run(1), three = run(3);  // inputs are filled image by image
  EXPECT_EQ(std::memcmp(one.raw(), three.raw(), one.bytes()), 0);
}

TEST(Squeeze, TheMeanIsThatOfTheResult) {
  SqueezeExciteModel model({.n = 2, .h = 33, .w = 29, .c = 19});
  model.output("filtered").output("pooled");
  const PassesRun run = run_passes_of(model.serialized(), {});
  EXPECT_EQ(folded(run), kBoth);
  const Tensor &image = run.outputs.at(1), &mean = run.outputs.at(2);
  const std::int64_t pixels = image.shape()[2] * image.shape()[3];
  for (std::int64_t i = 0; i < mean.shape().elements(); i++) {
    double sum = 0, absolute = 0;
    for (std::int64_t p = 0; p < pixels; p++) {
      const double x = image.as<float>()[static_cast<std::size_t>(i * pixels + p)];
      sum += x;
      absolute += std::fabs(x);
    }
    // A sum along a row and one along a column, of half an ulp for each term at most.
    const double bound = 6e-8 * static_cast<double>(image.shape()[2] + image.shape()[3]) * absolute;
    EXPECT_NEAR(mean.as<float>()[static_cast<std::size_t>(i)], sum / static_cast<double>(pixels),
                bound / static_cast<double>(pixels));
  }
}

// ---- what isn't -----------------------------------------------------------------------------------------------------

TEST(Squeeze, AConvolutionOfGroupsIsPooledByItself) {
  for (const char* pool : {"GlobalAveragePool", "ReduceMean", "AveragePool"}) {
    const SqueezeExciteModel model({.out = 160, .groups = 4, .pool = pool});
    const PassesRun run = expect_passes_agree(model.serialized(), false);
    EXPECT_EQ(folded(run), "Conv GlobalAveragePool Conv Conv Mul Conv");
    EXPECT_EQ(run.exact, std::string_view(pool) != "ReduceMean");
  }
}

TEST(Squeeze, AProductThatIsReadElsewhereStays) {
  SqueezeExciteModel watched({});
  watched.output("scaled");
  EXPECT_EQ(folded(watched), "Conv(sums) GlobalAveragePool Conv Conv Mul Conv");
  SqueezeExciteModel twice({});
  twice.output("z").node("Neg", {"scaled"}, {"z"});
  EXPECT_EQ(folded(twice), "Conv(sums) GlobalAveragePool Conv Conv Mul Conv Neg");
}

// Weights are scaled where they are fewer than the pixels' channels and few in all.
TEST(Squeeze, AProductOfFewPixelsOrManyWeightsStays) {
  EXPECT_EQ(folded({.h = 3, .w = 7, .out = 20}), kBoth);
  EXPECT_EQ(folded({.h = 4, .w = 5, .out = 20}), "Conv(sums) GlobalAveragePool Conv Conv Mul Conv");
  EXPECT_EQ(folded({.h = 8, .w = 9, .c = 512, .out = 64}), kBoth);
  EXPECT_EQ(folded({.h = 8, .w = 9, .c = 513, .out = 64}), "Conv(sums) GlobalAveragePool Conv Conv Mul Conv");
}

// Alone pointwise convolutions take factors.
TEST(Squeeze, AProductBeforeALargerKernelStays) {
  for (const std::int64_t stride : {1, 2}) {
    const std::int64_t kernel = stride == 1 ? 3 : 1;
    ModelBuilder m;
    m.input("x", {1, 8, 9, 9}).input("s", {1, 8, 1, 1}).output("y");
    m.initializer("v", random_tensor({8, 8, 1, 1}, 1)).initializer("w", random_tensor({4, 8, kernel, kernel}, 2));
    m.node("Conv", {"x", "v"}, {"before"});
    m.node("Mul", {"before", "s"}, {"scaled"});
    set(m.node("Conv", {"scaled", "w"}, {"y"}), "strides", {stride, stride});
    const PassesRun run = expect_passes_agree(m.serialized(), false);
    EXPECT_EQ(folded(run), "Conv Mul Conv");
    EXPECT_TRUE(run.exact);
  }
}

// One factor for each channel and image, which the run computes: that alone is folded.
TEST(Squeeze, OnlyFactorsPerChannelAreFolded) {
  const auto model = [](const Shape& scale, bool constant = false) {
    ModelBuilder m;
    m.input("x", {2, 8, 5, 6}).output("y");
    if (constant) {
      m.initializer("s", random_tensor(scale, 5));
    } else {
      m.input("s", {scale.begin(), scale.end()});
    }
    m.initializer("v", random_tensor({8, 8, 1, 1}, 1)).initializer("w", random_tensor({4, 8, 1, 1}, 2));
    m.node("Conv", {"x", "v"}, {"before"});
    m.node("Mul", {"before", "s"}, {"scaled"});
    m.node("Conv", {"scaled", "w"}, {"y"});
    const PassesRun run = expect_passes_agree(m.serialized());
    EXPECT_EQ(run.exact, folded(run).find("scaled") == std::string::npos);
    return folded(run);
  };
  EXPECT_EQ(model({2, 8, 1, 1}), "Conv Conv(scaled)");
  EXPECT_EQ(model({8, 1, 1}), "Conv Mul Conv");
  EXPECT_EQ(model({2, 8, 1, 1}, true), "Conv Mul Conv");
  EXPECT_EQ(model({2, 1, 1, 1}), "Conv Mul Conv");
  EXPECT_EQ(model({2, 8, 1, 6}), "Conv Mul Conv");
  EXPECT_EQ(model({2, 8, 5, 6}), "Conv Mul Conv");
  EXPECT_EQ(model({}), "Conv Mul Conv");
}

TEST(Squeeze, OtherMeansStayAsTheyAre) {
  const auto model = [](std::vector<std::int64_t> axes, std::int64_t keep) {
    ModelBuilder m;
    m.input("x", {2, 8, 5, 6}).output("y");
    m.initializer("w", random_tensor({8, 1, 3, 3}, 1));
    set(m.node("Conv", {"x", "w"}, {"filtered"}), "group", std::int64_t{8});
    auto& mean = m.node("ReduceMean", {"filtered"}, {"y"});
    auto* attribute = mean.add_attribute();
    attribute->set_name("axes");
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t axis : axes) attribute->add_ints(axis);
    set(mean, "keepdims", keep);
    return folded(m);
  };
  EXPECT_EQ(model({2, 3}, 1), "Conv(sums) GlobalAveragePool");
  EXPECT_EQ(model({3, 2}, 0), "Conv(sums) GlobalAveragePool");
  EXPECT_EQ(model({2}, 1), "Conv ReduceMean");
  EXPECT_EQ(model({1, 2, 3}, 1), "Conv ReduceMean");
  EXPECT_EQ(model({0, 2, 3}, 0), "Conv ReduceMean");
}

TEST(Squeeze, AWindowWithinTheImageStays) {
  const auto model = [](std::initializer_list<std::int64_t> kernel, std::initializer_list<std::int64_t> pads) {
    ModelBuilder m;
    m.input("x", {2, 8, 5, 6}).output("y");
    m.initializer("w", random_tensor({8, 1, 1, 1}, 1));
    set(m.node("Conv", {"x", "w"}, {"filtered"}), "group", std::int64_t{8});
    auto& pool = m.node("AveragePool", {"filtered"}, {"y"});
    set(pool, "kernel_shape", kernel);
    set(pool, "pads", pads);
    return folded(m);
  };
  EXPECT_EQ(model({5, 6}, {0, 0, 0, 0}), "Conv(sums) GlobalAveragePool");
  EXPECT_EQ(model({5, 5}, {0, 0, 0, 0}), "Conv AveragePool");
  EXPECT_EQ(model({5, 6}, {1, 0, 0, 0}), "Conv AveragePool");
}

TEST(Squeeze, APoolingOfSeveralReadersIsOneSum) {
  SqueezeExciteModel m({});
  m.output("z").node("GlobalAveragePool", {"filtered"}, {"z"});
  EXPECT_EQ(folded(m), "Conv(sums) GlobalAveragePool Conv Conv Conv(scaled) GlobalAveragePool");
}

}  // namespace
}  // namespace adze::testing
