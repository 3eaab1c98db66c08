// Depthwise convolutions and the pointwise ones around them that run strip by strip: the bytes are those of separate
// steps, and chains that can't or shouldn't be joined are not.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/inverted_residual.h"
#include "tests/support/passes_runner.h"

namespace adze::testing {
namespace {

// The kernels of the convolutions, in order.
std::vector<std::string> convolutions(std::vector<std::string> kernels) {
  std::erase_if(kernels, [](const std::string& kernel) {
    return !kernel.starts_with("conv_f32/") && !kernel.starts_with("depthwise_f32/") &&
           !kernel.starts_with("strips_f32/");
  });
  return kernels;
}

// The operators of a plan that never runs, without transposes.
std::string operators(const std::string& bytes) {
  const auto model = Model::from_bytes(bytes_of(bytes), "model");
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  if (!model) return {};
  const auto plan = (*model)->plan(*(*model)->default_shapes(), 1);
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  if (!plan) return {};
  std::string ops;
  for (const PlanStep& step : (*plan)->steps()) {
    if (step.op != "Transpose") ops += (ops.empty() ? "" : " ") + std::string(step.op);
  }
  return ops;
}
std::string planned(const InvertedResidual& block) { return operators(InvertedResidualModel(block).serialized()); }

// Another output instead of the first.
void replace_y(InvertedResidualModel& m, const std::string& name) {
  m.proto().mutable_graph()->mutable_output()->DeleteSubrange(0, 1);
  m.output(name);
}

std::string describe(const InvertedResidual& b) {
  return concat("n ", b.n, " image ", b.h, " x ", b.w, " channels ", b.in, ' ', b.middle, ' ', b.out, " kernel ",
                b.kernel[0], " x ", b.kernel[1], " stride ", b.stride[0], ' ', b.stride[1], " pads ", b.pads[0], ' ',
                b.pads[1], ' ', b.pads[2], ' ', b.pads[3], " activations ", b.activations[0], ' ', b.activations[1],
                ' ', b.activations[2], b.bias ? "" : " no bias", b.residual[1] || b.residual[2] ? " residual" : "");
}

// Against the same model where what lies between the parts is read from outside too.
void expect_same_as_separate(const InvertedResidual& block) {
  SCOPED_TRACE(describe(block));
  const InvertedResidualModel model(block);
  InvertedResidualModel watched(block);
  if (block.expands) watched.output("expanded");
  if (block.projects) watched.output("filtered");
  const PassesRun separate = run_passes_of(watched.serialized(), {}, 1, block.n);
  ASSERT_EQ(separate.outputs.size(), 1u + block.expands + block.projects);
  ASSERT_EQ(convolutions(separate.kernels).size(), separate.outputs.size());
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > cpu_isa()) continue;
    ModelOptions options;
    options.isa = isa;
    const std::string kernel =
        concat("strips_f32/", isa_name(isa), block.expands ? " 1x1" : "", " depthwise", block.projects ? " 1x1" : "");
    for (const int threads : {1, 2, 3, 5}) {
      const PassesRun run = run_passes_of(model.serialized(), options, threads, block.n);
      ASSERT_EQ(convolutions(run.kernels), std::vector<std::string>{kernel});
      ASSERT_EQ(run.exact, separate.exact);
      ASSERT_TRUE(same_bytes(run.outputs.at(0), separate.outputs[0])) << isa_name(isa) << ' ' << threads << " threads";
    }
  }
}

// Each of the ways that a chain can be cut.
void expect_same_for_every_chain(InvertedResidual block) {
  expect_same_as_separate(block);
  block.projects = false;
  expect_same_as_separate(block);
  block.projects = true;
  block.expands = false;
  expect_same_as_separate(block);
}

// ---- the same bytes -------------------------------------------------------------------------------------------------

TEST(Strips, GiveTheBytesOfSeparateSteps) { expect_same_for_every_chain({}); }

TEST(Strips, WithStrides) {
  expect_same_as_separate({.h = 55, .w = 57, .stride = {2, 2}});
  expect_same_as_separate({.h = 56, .w = 58, .projects = false, .stride = {2, 2}, .pads = {0, 0, 1, 1}});
  expect_same_as_separate({.h = 107, .w = 111, .expands = false, .stride = {2, 2}});
}

TEST(Strips, WithKernelsOfFive) {
  expect_same_for_every_chain({.kernel = {5, 5}, .pads = {2, 2, 2, 2}});
  expect_same_as_separate({.h = 56, .w = 58, .kernel = {5, 5}, .stride = {2, 2}, .pads = {1, 1, 2, 2}});
}

TEST(Strips, WithOtherKernels) {
  expect_same_as_separate({.kernel = {7, 7}, .pads = {3, 3, 3, 3}});
  expect_same_as_separate({.kernel = {3, 5}, .pads = {1, 2, 1, 2}});
  expect_same_as_separate({.h = 57, .w = 60, .kernel = {1, 2}, .stride = {2, 1}, .pads = {0, 0, 0, 0}});
  expect_same_as_separate({.h = 90, .w = 60, .kernel = {2, 2}, .stride = {3, 3}, .pads = {0, 0, 0, 0}});
}

TEST(Strips, WithoutPadsAndWithUnequalOnes) {
  expect_same_for_every_chain({.h = 57, .w = 58, .pads = {0, 0, 0, 0}});
  expect_same_for_every_chain({.pads = {2, 0, 0, 1}});
  expect_same_as_separate({.h = 50, .w = 53, .pads = {3, 3, 4, 4}});
}

TEST(Strips, OfBatchesOfSmallMaps) {
  expect_same_for_every_chain({.n = 2, .h = 37, .w = 39});
  expect_same_as_separate({.n = 3, .h = 33, .w = 31, .projects = false, .stride = {2, 2}});
  expect_same_as_separate({.n = 7, .h = 19, .w = 21, .kernel = {5, 5}, .pads = {2, 2, 2, 2}});
}

// The strips of wide maps have fewer rows.
TEST(Strips, OfFewRows) {
  expect_same_as_separate({.h = 28, .w = 112});
  expect_same_as_separate({.h = 19, .w = 160});
  expect_same_as_separate({.h = 21, .w = 150, .kernel = {5, 5}, .pads = {2, 2, 2, 2}});
}

TEST(Strips, OfChannelsThatFillNoVector) {
  for (const std::int64_t middle : {50, 72, 87}) {
    expect_same_as_separate({.h = 72, .w = 75, .in = 5, .middle = middle, .out = 27});
  }
}

TEST(Strips, AddTheResidualOfTheLastPart) {
  InvertedResidual block{.residual = {false, false, true}};
  expect_same_as_separate(block);
  block.expands = false;
  expect_same_as_separate(block);
  expect_same_as_separate({.projects = false, .residual = {false, true, false}});
  expect_same_as_separate({.n = 2, .h = 37, .w = 39, .projects = false, .residual = {false, true, false}});
}

TEST(Strips, ActivateEachPart) {
  expect_same_for_every_chain({.activations = {"", "", ""}});
  expect_same_for_every_chain({.activations = {"Silu", "Clip", "Silu"}});
  expect_same_as_separate({.activations = {"Clip", "Silu", "Clip"}});
  expect_same_as_separate({.activations = {"", "HardSwish", "Silu"}, .residual = {false, false, true}});
  expect_same_as_separate({.projects = false, .activations = {"Silu", "Silu", ""}, .residual = {false, true, false}});
}

TEST(Strips, WithoutABias) {
  expect_same_for_every_chain({.bias = false});
  expect_same_as_separate({.bias = false, .residual = {false, false, true}});
}

// ---- which chains ---------------------------------------------------------------------------------------------------

TEST(Strips, TheSourceOfABlockMayBeItsResidual) {
  const InvertedResidual block{.in = 12, .activations = {"Relu", "Relu", ""}};
  const auto model = [&](bool watched) {
    InvertedResidualModel m(block);
    m.node("Add", {"y", "x"}, {"sum"});
    replace_y(m, "sum");
    if (watched) m.output("expanded").output("filtered");
    return run_passes_of(m.serialized(), {}, 2);
  };
  const PassesRun joined = model(false), separate = model(true);
  EXPECT_EQ(convolutions(joined.kernels).size(), 1u);
  EXPECT_EQ(convolutions(separate.kernels).size(), 3u);
  EXPECT_TRUE(same_bytes(joined.outputs.at(0), separate.outputs.at(0)));
}

TEST(Strips, WhatIsReadFromOutsideStaysATensor) {
  InvertedResidualModel expanded({});
  expanded.output("expanded");
  EXPECT_EQ(operators(expanded.serialized()), "Conv Strips");
  InvertedResidualModel filtered({});
  filtered.output("filtered");
  EXPECT_EQ(operators(filtered.serialized()), "Strips Conv");
}

TEST(Strips, WhatIsReadTwiceStaysATensor) {
  InvertedResidualModel expanded({});
  expanded.output("z").node("Neg", {"expanded"}, {"z"});
  EXPECT_EQ(operators(expanded.serialized()), "Conv Strips Neg");
  InvertedResidualModel filtered({});
  filtered.output("z").node("Neg", {"filtered"}, {"z"});
  EXPECT_EQ(operators(filtered.serialized()), "Strips Conv Neg");
}

TEST(Strips, EndAtAResidual) {
  EXPECT_EQ(planned({.residual = {true, false, false}}), "Conv Strips");
  EXPECT_EQ(planned({.residual = {false, true, false}}), "Strips Conv");
}

TEST(Strips, LeaveOtherConvolutionsAlone) {
  EXPECT_EQ(planned({.pads = {2, 2, 2, 2}, .dilation = 2}), "Conv Conv Conv");
  EXPECT_EQ(planned({.middle = 48, .multiplier = 2}), "Conv Conv Conv");
}

TEST(Strips, LeaveSmallMapsAlone) {
  EXPECT_EQ(planned({.h = 53, .w = 52}), "Strips");
  EXPECT_EQ(planned({.h = 52, .w = 52}), "Conv Conv Conv");
  EXPECT_EQ(planned({.h = 60, .w = 60, .expands = false, .stride = {2, 2}}), "Conv Conv");
}

TEST(Strips, LeaveManyWeightsAlone) {
  EXPECT_EQ(planned({.in = 300, .middle = 96, .out = 382}), "Strips");
  EXPECT_EQ(planned({.in = 300, .middle = 96, .out = 383}), "Strips Conv");
  EXPECT_EQ(planned({.in = 683, .middle = 96}), "Conv Strips");
  EXPECT_EQ(planned({.in = 683, .middle = 96, .projects = false}), "Conv Conv");
}

TEST(Strips, ShareNoPart) {
  InvertedResidualModel m({.out = 96});
  m.initializer("w", random_tensor({96, 1, 3, 3}, 1));
  set(m.node("Conv", {"y", "w"}, {"filtered.again"}), "group", std::int64_t{96});
  replace_y(m, "filtered.again");
  EXPECT_EQ(operators(m.serialized()), "Strips Conv");
}

// Where a strip of all three parts doesn't fit, two of them may.
TEST(Strips, OfTheWidestMapsHaveTwoParts) {
  EXPECT_EQ(planned({.h = 14, .w = 227}), "Strips");
  EXPECT_EQ(planned({.h = 14, .w = 228}), "Strips Conv");
  EXPECT_EQ(planned({.h = 14, .w = 400}), "Conv Strips");
  EXPECT_EQ(planned({.h = 14, .w = 700}), "Conv Conv Conv");
}

// ---- cancellation ---------------------------------------------------------------------------------------------------

// The step itself, since the run loop would see the flag before it.
TEST(Strips, StopWhenCancelled) {
  const auto model = Model::from_bytes(bytes_of(InvertedResidualModel({}).serialized()), "model");
  ASSERT_TRUE(model);
  const auto plan = (*model)->plan(*(*model)->default_shapes(), 1);
  ASSERT_TRUE(plan);
  const auto strips = std::ranges::find(plan.value()->steps(), std::string_view("Strips"), &PlanStep::op);
  ASSERT_NE(strips, plan.value()->steps().end());
  const auto source = random_tensor(strips->inputs[0].shape, 1);
  auto result = Tensor::allocate(DType::f32, strips->outputs[0].shape);
  auto scratch = Tensor::allocate(DType::u8, {static_cast<std::int64_t>(strips->step.scratch_bytes)});
  for (const auto bytes : {result.bytes, scratch.bytes}) std::ranges::fill(bytes, std::byte{0x55});
  std::vector<const std::byte*> inputs(7);
  inputs[0] = source.raw();
  std::byte* const output = result.bytes.data();
  CancelFlag cancel;
  cancel.request();
  StepFailure failure;
  strips->step.run(strips->step.args.get(), {.inputs = inputs.data(),
                                             .outputs = &output,
                                             .scratch = scratch.bytes.data(),
                                             .slice = {},
                                             .cancel = cancel,
                                             .failure = failure});
  for (const auto bytes : {result.bytes, scratch.bytes}) {
    EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0x55}; }));
  }
}

}  // namespace
}  // namespace adze::testing
