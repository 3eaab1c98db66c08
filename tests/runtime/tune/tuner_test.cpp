// What a tuner makes of times: which choices plans get, and that nothing is timed twice.
#include "runtime/tune/tuner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "runtime/tune/node_key.h"
#include "tests/support/passes_runner.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tunable_cnn.h"

namespace adze::testing {
namespace {

// Nanoseconds that a script gives to a step on so many threads.
using Script = std::function<std::int64_t(const Step& step, int parts)>;

// A tuner whose timer neither runs anything nor reads a clock.
struct Scripted {
  explicit Scripted(Script times, const std::string& path = {})
      : script(std::move(times)),
        tuner(std::make_shared<Tuner>(
            std::make_shared<ChoiceCache>(path, [this](const std::string& text) { notes.push_back(text); }),
            [this](const std::string& text) { notes.push_back(text); },
            [this](int threads, std::size_t) -> Result<std::unique_ptr<StepTimer>> {
              timers++;
              return std::unique_ptr<StepTimer>(new Timer(*this, threads));
            })) {}

  struct Timer final : StepTimer {
    Timer(Scripted& scripted, int pool) : owner(scripted), threads(pool) {}
    std::int64_t time(const Step& step, int parts, const TrialBuffers&) override {
      owner.timings++;
      EXPECT_GE(parts, 1);
      EXPECT_LE(parts, threads);
      return owner.script(step, parts);
    }
    Scripted& owner;
    int threads;
  };

  ModelOptions options() const {
    ModelOptions made;
    made.tuner = tuner;
    return made;
  }

  Script script;
  int timers = 0, timings = 0;
  std::vector<std::string> notes;
  std::shared_ptr<Tuner> tuner;
};

Script equal_times() {
  return [](const Step&, int) { return 1000; };
}
// The variant below the best one is twice as fast.
Script lower_is_faster() {
  return [](const Step& step, int) { return step.kernel.find("/avx512") != step.kernel.npos ? 2000 : 1000; };
}

std::shared_ptr<const Plan> plan_of(const ModelOptions& options, int threads, std::int64_t batch = 2) {
  const auto model = Model::from_bytes(bytes_of(tunable_cnn()), "model", options);
  EXPECT_TRUE(model);
  const auto plan = (*model)->plan(*(*model)->default_shapes(batch), threads);
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  return plan ? *plan : nullptr;
}

std::vector<std::string> kernels_of(const Plan& plan) {
  std::vector<std::string> kernels;
  for (const PlanStep& step : plan.steps()) kernels.push_back(step.step.kernel);
  return kernels;
}
std::vector<int> parts_of(const Plan& plan) {
  std::vector<int> parts;
  for (const PlanStep& step : plan.steps()) parts.push_back(step.parts);
  return parts;
}

TEST(Tuner, ChangesNothingWhereNothingIsFasterByAMargin) {
  const auto standard = plan_of({}, 3);
  int turn = 0;
  for (const Script& script : {equal_times(), Script([&](const Step&, int parts) { return 1000 - parts; }),
                               Script([&](const Step&, int) { return turn++ % 2 ? 1005 : 995; })}) {
    Scripted scripted(script);
    const auto plan = plan_of(scripted.options(), 3);
    EXPECT_GT(scripted.timings, 0);
    EXPECT_EQ(kernels_of(*plan), kernels_of(*standard));
    EXPECT_EQ(parts_of(*plan), parts_of(*standard));
  }
}

TEST(Tuner, TakesTheVariantThatIsFaster) {
  if (active_isa() != Isa::avx512) GTEST_SKIP() << "no other variant is a candidate";
  Scripted scripted(lower_is_faster());
  const auto plan = plan_of(scripted.options(), 1);
  int lower = 0;
  for (const std::string& kernel : kernels_of(*plan)) lower += kernel.find("/avx2") != kernel.npos;
  EXPECT_GE(lower, 8);
}

TEST(Tuner, TakesTheNumberOfThreadsThatIsFastest) {
  Scripted scripted([](const Step&, int parts) { return 1000 + 100 * std::abs(parts - 2); });
  const auto plan = plan_of(scripted.options(), 5), standard = plan_of({}, 5);
  for (std::size_t i = 0; i < plan->steps().size(); i++) {
    const PlanStep& step = plan->steps()[i];
    const bool tuned = step.parts != standard->steps()[i].parts;
    EXPECT_TRUE(!tuned || step.parts == 2) << step.step.kernel << " on " << step.parts;
    if (step.step.flops > 1e6) {
      EXPECT_EQ(step.parts, 2) << step.step.kernel;
    }
  }
}

TEST(Tuner, KeepsEveryByteAndTheArenaWhateverTheTimesAre) {
  std::uint64_t seed = 0;
  for (const int threads : {1, 2, 5}) {
    const PassesRun want = run_passes_of(tunable_cnn(), {}, threads);
    const std::size_t arena = plan_of({}, threads)->arena_bytes();
    for (int round = 0; round < 3; round++) {
      Random random(++seed);
      Scripted scripted([&](const Step&, int) { return 1 + random.below(1000); });
      const PassesRun got = run_passes_of(tunable_cnn(), scripted.options(), threads);
      ASSERT_EQ(got.outputs.size(), want.outputs.size());
      for (std::size_t i = 0; i < got.outputs.size(); i++) {
        EXPECT_TRUE(same_bytes(got.outputs[i], want.outputs[i])) << "threads " << threads << " seed " << seed;
      }
      EXPECT_LE(plan_of(scripted.options(), threads)->arena_bytes(), arena);
    }
  }
}

// So many equal convolutions, one after the other.
std::string chain_of(int convolutions) {
  ModelBuilder m;
  m.input("c0", {1, 16, 12, 12}).output(concat('c', convolutions));
  for (int i = 0; i < convolutions; i++) {
    m.initializer(concat('w', i), random_tensor({16, 16, 5, 5}, static_cast<std::uint64_t>(i)));
    set(m.node("Conv", {concat('c', i), concat('w', i)}, {concat('c', i + 1)}), "pads", {2, 2, 2, 2});
  }
  return m.serialized();
}

TEST(Tuner, TimesEqualNodesOnce) {
  const auto timings_of = [](int convolutions) {
    Scripted scripted(lower_is_faster());
    run_passes_of(chain_of(convolutions), scripted.options(), 2, 1);
    return scripted.timings;
  };
  EXPECT_GT(timings_of(1), 0);
  EXPECT_EQ(timings_of(3), timings_of(1));
}

TEST(Tuner, AWarmCacheTimesNothingAndGivesTheSamePlan) {
  const TempFolder folder;
  const std::string path = folder.path("tune.json");
  Scripted cold(lower_is_faster(), path);
  const auto first = plan_of(cold.options(), 2);
  EXPECT_GT(cold.timings, 0);
  EXPECT_EQ(cold.timers, 1);
  ASSERT_EQ(cold.notes.size(), 1u);
  Scripted warm([](const Step&, int) -> std::int64_t { return 1; }, path);
  const auto second = plan_of(warm.options(), 2);
  EXPECT_EQ(warm.timings, 0);
  EXPECT_EQ(warm.timers, 0);
  EXPECT_TRUE(warm.notes.empty());
  EXPECT_EQ(kernels_of(*second), kernels_of(*first));
  EXPECT_EQ(parts_of(*second), parts_of(*first));
  plan_of(warm.options(), 3);
  EXPECT_GT(warm.timings, 0) << "times of two threads say nothing of three";
}

TEST(Tuner, EntriesOfAnotherProcessorAreLeftAlone) {
  const TempFolder folder;
  const std::string path = folder.path("tune.json");
  const auto ignore = [](const std::string&) {};
  const auto g = [&] {
    Scripted any(equal_times(), path);
    plan_of(any.options(), 1);
    std::ifstream file(path);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  }();
  const auto machines = parse_choices(g);
  ASSERT_TRUE(machines);
  ASSERT_EQ(machines->size(), 1u);
  ChoicesByMachine others;
  for (const auto& [key, choice] : machines->begin()->second) others["Zilog Z80"][key] = {Isa::portable, 1, {}};
  folder.write("tune.json", to_text(others));
  Scripted scripted(equal_times(), path);
  EXPECT_EQ(kernels_of(*plan_of(scripted.options(), 1)), kernels_of(*plan_of({}, 1)));
  EXPECT_GT(scripted.timings, 0);
  const ChoiceCache cache(path, ignore);
  EXPECT_EQ(cache.find("Zilog Z80", others["Zilog Z80"].begin()->first), (Choice{Isa::portable, 1, {}}));
}

TEST(Tuner, OnlyRecallingItTimesNothing) {
  Scripted scripted(lower_is_faster());
  const auto tuned = plan_of(scripted.options(), 1);
  const int timings = scripted.timings;
  scripted.tuner->only_recall();
  EXPECT_EQ(kernels_of(*plan_of(scripted.options(), 1)), kernels_of(*tuned));
  EXPECT_EQ(kernels_of(*plan_of(scripted.options(), 1, 3)), kernels_of(*plan_of({}, 1, 3)));
  EXPECT_EQ(scripted.timings, timings);
}

TEST(Tuner, WithoutRoomTheDefaultRuns) {
  const auto standard = plan_of({}, 2);
  Scripted scripted(lower_is_faster());
  ModelOptions options = scripted.options();
  const auto model = Model::from_bytes(bytes_of(tunable_cnn()), "model", {});
  ASSERT_TRUE((*model)->plan(*(*model)->default_shapes(2), 2));
  options.max_memory = (*model)->weight_bytes() + standard->constant_bytes() + standard->arena_bytes();  // just enough
  const auto plan = plan_of(options, 2);
  ASSERT_TRUE(plan);
  // The variant would pack the weights in a second form.
  EXPECT_EQ(kernels_of(*plan), kernels_of(*standard));
}

TEST(TrialBuffers, KeepWithinTheirLimit) {
  Step step;
  step.unread = 0b10;
  step.scratch_bytes = 100;
  const TensorInfo image{DType::f32, {4, 1000}}, weights{DType::f32, {1 << 20}}, out{DType::f32, {10}};
  const TensorInfo* inputs[] = {&image, &weights, nullptr};
  const std::size_t bytes = 16'000 + 64 + 3 * 128;  // the image, the output and scratch of three threads
  const auto made = TrialBuffers::create(step, inputs, {&out, 1}, 3, bytes);
  ASSERT_TRUE(made);
  EXPECT_NE(made->inputs()[0], nullptr);
  EXPECT_EQ(made->inputs()[1], nullptr) << "unread";
  EXPECT_EQ(made->inputs()[2], nullptr) << "left out";
  EXPECT_EQ(made->touched().size(), 2u);
  const auto refused = TrialBuffers::create(step, inputs, {&out, 1}, 3, bytes - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resource_limit);
}

TEST(Tuner, MeasuresWithTheRealClock) {
  const TempFolder folder;
  std::vector<std::string> notes;
  const auto note = [&](const std::string& text) { notes.push_back(text); };
  ModelOptions options;
  options.tuner = std::make_shared<Tuner>(std::make_shared<ChoiceCache>(folder.path("tune.json"), note), note);
  const PassesRun want = run_passes_of(chain_of(1), {}, 2), got = run_passes_of(chain_of(1), options, 2);
  for (std::size_t i = 0; i < got.outputs.size(); i++) EXPECT_TRUE(same_bytes(got.outputs[i], want.outputs[i]));
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("tuned"), std::string::npos) << notes[0];
  EXPECT_TRUE(std::filesystem::exists(folder.path("tune.json")));
}

// Nodes by operator, with f32 inputs of these shapes, the last `constants` of them constant.
std::string key_of(std::string_view op, const std::vector<Shape>& shapes, int constants = 0,
                   const std::function<void(Node&)>& change = {}, DType type = DType::f32) {
  Node node;
  node.op = find_op("", op);
  if (change) change(node);
  std::vector<TensorInfo> infos;
  const Tensor any;
  for (const Shape& shape : shapes) infos.push_back({type, shape});
  for (std::size_t i = infos.size() - static_cast<std::size_t>(constants); i < infos.size(); i++) infos[i].value = &any;
  std::vector<const TensorInfo*> inputs;
  for (const TensorInfo& info : infos) inputs.push_back(&info);
  const TensorInfo output{type, {1, 2}};
  return node_key(node, inputs, {&output, 1});
}

TEST(NodeKey, TellsApartWhatMayTakeDifferentTime) {
  const std::set<std::string> keys = {
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1),
      key_of("Conv", {{2, 8, 8, 16}, {4, 16, 3, 3}}, 1),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}, {4}}, 2),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1, [](Node& n) { n.channels_last = true; }),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1, [](Node& n) { n.planar_source = true; }),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1, [](Node& n) { n.winograd = 4; }),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1, [](Node& n) { n.residual = 1; }),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1, [](Node& n) { n.activation.kind = Activation::silu; }),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1,
             [](Node& n) {
               n.attributes.set("strides", std::vector<std::int64_t>{2, 2});
             }),
      key_of("Conv", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1,
             [](Node& n) {
               n.attributes.set("strides", std::vector<std::int64_t>{2, 1});
             }),
      key_of("MatMul", {{1, 8, 8, 16}, {4, 16, 3, 3}}, 1)};
  EXPECT_EQ(keys.size(), 12u);
  EXPECT_EQ(keys.count(""), 0u);
}

TEST(NodeKey, IsEmptyWhereTheTimeMayDependOnTheContent) {
  EXPECT_NE(key_of("Add", {{4}, {4}}), "");
  EXPECT_EQ(key_of("Add", {{4}, {4}}, 0, {}, DType::i64), "");
  EXPECT_EQ(key_of("RandomUniform", {}), "");
  EXPECT_EQ(key_of("NonZero", {{4}}), "");
  EXPECT_EQ(key_of("Add", {{4}, {4}}, 0, [](Node& n) { n.attributes.set("t", Tensor()); }), "");
}

}  // namespace
}  // namespace adze::testing
