// What a tuner may choose from: the lists, and that whatever is chosen gives the same bytes.
#include "runtime/tune/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "graph/batch/rebatch.h"
#include "graph/onnx/loader.h"
#include "graph/passes/pipeline.h"
#include "graph/plan/sharing.h"
#include "runtime/tune/trial_buffers.h"
#include "tests/support/inverted_residual.h"
#include "tests/support/tunable_cnn.h"

namespace adze::testing {
namespace {

constexpr std::size_t kMemory = std::size_t{1} << 30;

TEST(Candidates, StartWithTheDefaultAndAreAllDifferent) {
  Step step;
  step.max_parts = 100;
  step.honours = {true, true};
  const auto all = candidates(step, 6, Isa::avx512, 6);
  EXPECT_EQ(all[0], Choice());
  EXPECT_EQ(all.size(), 2u * 4 * 3 * 3);  // avx512 and avx2; 6, 1, 2 and 4 threads; shares; blocks
  for (std::size_t i = 0; i < all.size(); i++) EXPECT_EQ(std::ranges::count(all, all[i]), 1);
  std::vector<int> parts;
  for (const Choice& choice : all) parts.push_back(choice.parts);
  EXPECT_EQ(std::ranges::count(parts, 6), 0) << "the default already";
  EXPECT_EQ(std::ranges::count(parts, 4), 18);
}

TEST(Candidates, AreOnlyWhatAStepHonours) {
  Step step;
  step.max_parts = 1;
  EXPECT_EQ(candidates(step, 1, Isa::avx2, 4), std::vector<Choice>{Choice()});
  step.max_parts = 4;
  EXPECT_EQ(candidates(step, 1, Isa::portable, 1), std::vector<Choice>{Choice()});
  EXPECT_EQ(candidates(step, 1, Isa::avx512, 1), (std::vector<Choice>{Choice(), {Isa::avx2, 0, {}}}));
  step.honours.share = true;  // with itself alone nobody shares
  EXPECT_EQ(candidates(step, 1, Isa::avx2, 1), std::vector<Choice>{Choice()});
}

TEST(Candidates, NeighboursDifferInOneMember) {
  Step step;
  step.max_parts = 8;
  step.honours = {true, true};
  const auto all = candidates(step, 8, Isa::avx512, 8);
  const Choice from{Isa::avx2, 2, {Share::panels, 24}};
  const std::size_t counts[kChoiceMembers] = {1, 3, 2, 2};
  for (int member = 0; member < kChoiceMembers; member++) {
    const auto list = neighbours(from, all, member);
    EXPECT_EQ(list.size(), counts[member]) << member;
    EXPECT_EQ(std::ranges::count(list, from), 0);
  }
  EXPECT_EQ(neighbours(from, all, 0), (std::vector<Choice>{{std::nullopt, 2, {Share::panels, 24}}}));
}

using Outputs = std::vector<std::vector<std::byte>>;

// What a node gives when it is prepared by `choice`, its inputs always the same.
Result<Outputs> outputs_of(const SpecialisedGraph& g, const Node& node, const Choice& choice, int threads,
                           WeightStore& store, std::string& kernel) {
  const auto inputs = g.input_infos(node);
  std::vector<TensorInfo> outputs;
  for (const ValueId id : node.outputs) outputs.push_back(id == kNoValue ? TensorInfo{} : g.info(id));
  PrepareContext context(node, inputs, outputs, cpu_isa(), threads, store, choice);
  ADZE_TRY(const Step step, node.op->prepare(context));
  kernel = step.kernel;
  if (step.view) return Outputs();
  ADZE_TRY(const TrialBuffers buffers, TrialBuffers::create(step, inputs, outputs, threads, kMemory));
  const CancelFlag cancel;
  StepFailure failure;
  const int parts = share_step(cost_of(step, {}, outputs, choice), threads);
  for (std::size_t i = 0; i < outputs.size(); i++) std::memset(buffers.outputs()[i], 0xee, outputs[i].bytes());
  for (int part = 0; part < parts; part++) {
    std::memset(buffers.scratch(part), 0xee, step.scratch_bytes);
    step.run(step.args.get(),
             Call{buffers.inputs(), buffers.outputs(), buffers.scratch(part), {part, parts}, cancel, failure});
  }
  Outputs result;
  for (std::size_t i = 0; i < outputs.size(); i++) {
    result.emplace_back(buffers.outputs()[i], buffers.outputs()[i] + outputs[i].bytes());
  }
  return result;
}

// How many kernels' names a choice changed.
int expect_same_bytes_for_every_choice(const std::string& model, std::int64_t batch) {
  const auto graph = parse_graph(bytes_of(model), "model");
  EXPECT_TRUE(graph);
  std::vector<InputShape> shapes;
  for (const Port& port : graph->inputs) {
    Shape shape;
    for (const Dim& dim : *port.dims) shape.push_back(dim.size < 0 ? batch : dim.size);
    shapes.push_back({shape});
  }
  auto g = specialise_batch(*graph, shapes, kMemory);
  EXPECT_TRUE(g && run_passes(*g, {}));
  int others = 0;
  for (const Node& node : g->graph.nodes) {
    WeightStore store(kMemory);
    std::string standard;
    const auto want = outputs_of(*g, node, {}, 1, store, standard);
    EXPECT_TRUE(want) << node.name << (want ? "" : want.error().message);
    Step all_honoured;
    all_honoured.max_parts = 256;
    all_honoured.honours = {true, true};
    for (const int threads : {1, 2, 5}) {
      for (const Choice& choice : candidates(all_honoured, -1, cpu_isa(), threads)) {
        std::string kernel;
        const auto got = outputs_of(*g, node, choice, threads, store, kernel);
        others += kernel != standard;
        EXPECT_TRUE(got && *got == *want)
            << node.name << ' ' << kernel << " threads " << threads << " parts " << choice.parts << " share "
            << static_cast<int>(choice.order.share) << " rows " << choice.order.row_block;
        if (::testing::Test::HasFailure()) return others;
      }
    }
  }
  return others;
}

TEST(Candidates, GiveTheSameBytesForEveryKindOfStep) {
  for (const std::int64_t batch : {1, 3}) {
    const int others = expect_same_bytes_for_every_choice(tunable_cnn(), batch);
    EXPECT_TRUE(others > 0 || cpu_isa() != Isa::avx512);
  }
}

TEST(Candidates, GiveTheSameBytesForStrips) {
  expect_same_bytes_for_every_choice(InvertedResidualModel(InvertedResidual{}).serialized(), 1);
}

}  // namespace
}  // namespace adze::testing
