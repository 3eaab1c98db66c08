// Models whose convolutions Winograd's algorithm may take: where it is chosen, and what refusing it keeps.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/passes_runner.h"
#include "tests/support/winograd_cnn.h"

namespace adze::testing {
namespace {

// The kernels of the convolutions, in order.
std::vector<std::string> convolutions(const PassesRun& run) {
  std::vector<std::string> kernels = run.kernels;
  std::erase_if(kernels, [](const std::string& kernel) {
    return !kernel.starts_with("conv_f32/") && !kernel.starts_with("winograd_f32/");
  });
  return kernels;
}

TEST(WinogradModel, ConvolutionsTakeTheTileThatSuitsTheirShape) {
  const PassesRun run = expect_passes_agree(winograd_cnn());
  const std::string isa(isa_name(active_isa()));
  EXPECT_EQ(convolutions(run),
            (std::vector<std::string>{"winograd_f32/" + isa + " F(4,3)", "winograd_f32/" + isa + " F(4,3)",
                                      "winograd_f32/" + isa + " F(2,3)", "conv_f32/" + isa}));
  EXPECT_FALSE(run.exact);
}

TEST(WinogradModel, RefusedEverythingIsSummedUpDirectlyAndExact) {
  const PassesRun run = expect_passes_agree(winograd_cnn(), false);
  EXPECT_EQ(convolutions(run), std::vector<std::string>(4, concat("conv_f32/", isa_name(active_isa()))));
  EXPECT_TRUE(run.exact);
}

TEST(WinogradModel, TheTwoWaysDifferInBytesOnly) {
  ModelOptions direct;
  direct.winograd = false;
  const PassesRun a = run_passes_of(winograd_cnn(), {}), b = run_passes_of(winograd_cnn(), direct);
  ASSERT_EQ(a.outputs.size(), 1u);
  EXPECT_FALSE(same_bytes(a.outputs[0], b.outputs[0]));
  expect_close(b.outputs[0], a.outputs[0]);
}

TEST(WinogradModel, WithoutPassesNoConvolutionTakesIt) {
  ModelOptions raw;
  raw.optimise = false;
  const auto kernels = convolutions(run_passes_of(winograd_cnn(), raw));
  EXPECT_TRUE(std::ranges::none_of(kernels, [](const std::string& name) { return name.starts_with("winograd"); }));
  EXPECT_EQ(kernels.size(), 4u);
}

}  // namespace
}  // namespace adze::testing
