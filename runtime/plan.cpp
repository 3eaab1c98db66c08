#include "runtime/plan.h"

#include <algorithm>

#include "graph/batch/rebatch.h"
#include "graph/constants.h"
#include "graph/evaluate.h"
#include "graph/passes/pipeline.h"
#include "graph/plan/liveness.h"
#include "graph/plan/sharing.h"
#include "runtime/rest.h"
#include "runtime/tune/tuner.h"

namespace adze {
namespace {

// The choice for each node.
std::vector<Choice> choose(SpecialisedGraph& g, const ModelOptions& options, int threads, const WeightStore& weights) {
  if (!options.tuner) return std::vector<Choice>(g.graph.nodes.size());
  return options.tuner->choose(
      g, {options.isa, threads, options.max_memory - std::min(weights.bytes(), options.max_memory)});
}

Result<std::vector<Step>> prepare_steps(SpecialisedGraph& g, std::span<const Choice> choices, Isa isa, int threads,
                                        WeightStore& weights) {
  std::vector<Step> steps;
  for (const Node& node : g.graph.nodes) {
    const auto inputs = g.input_infos(node);
    std::vector<TensorInfo> outputs;
    for (const ValueId id : node.outputs) outputs.push_back(id == kNoValue ? TensorInfo{} : g.info(id));
    PrepareContext context(node, inputs, outputs, isa, threads, weights, choices[steps.size()]);
    auto step = node.op->prepare(context);
    if (!step) return std::move(step).error().with_context(describe(node));
    steps.push_back(*std::move(step));
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) ADZE_CHECK(release(g.graph[id]));
    }
  }
  return steps;
}

}  // namespace

void Plan::share_out(std::span<const StepCost> costs, int threads) {
  const std::vector<int> parts = share_steps(costs, threads);
  bool shared_before = false;
  for (std::size_t i = 0; i < steps_.size(); i++) {
    const bool shared = parts[i] > 1;
    steps_[i].parts = parts[i];
    steps_[i].barrier = shared_before || shared;
    shared_before = shared;
    parallel_ |= shared;
  }
}

double Plan::flops() const {
  double total = 0;
  for (const PlanStep& step : steps_) total += step.step.flops;
  return total;
}

Result<const std::byte*> Plan::keep(const Value& value, WeightStore& weights) {
  const Tensor& tensor = *value.constant;
  if (!tensor.is_deferred() || value.constant_id == 0) {
    const std::byte* bytes = tensor.raw();
    ADZE_CHECK(tensor.status());
    if (std::ranges::find(constants_, bytes, &Tensor::raw) == constants_.end()) {
      constants_.push_back(tensor);
      if (value.constant_id == 0) constant_bytes_ += tensor.bytes();
    }
    return bytes;
  }
  return weights.get(concat('v', value.constant_id), tensor.bytes(), [&](std::byte* to) -> Result<void> {
    const Tensor source = tensor.released();
    std::copy_n(source.raw(), source.bytes(), to);
    return source.status();
  });
}

Result<std::shared_ptr<const Plan>> Plan::create(const Graph& graph, const std::string& name,
                                                 std::span<const InputShape> inputs, const ModelOptions& options,
                                                 int threads, const std::shared_ptr<WeightStore>& weights) {
  ADZE_TRY(SpecialisedGraph g, specialise_batch(graph, inputs, options.max_memory));
  std::shared_ptr<const Rest> rest;
  if (!g.rest.empty()) {
    // It is planned in the middle of a run, where no one waits for a clock.
    ModelOptions untuned = options;
    untuned.tuner = nullptr;
    ADZE_TRY(rest, make_rest(g, graph, name, untuned, weights));
  }
  ADZE_CHECK(run_passes(g, {options.optimise, options.winograd}));
  ADZE_CHECK(release_constants(g.graph));
  const std::vector<Choice> choices = choose(g, options, threads, *weights);
  ADZE_TRY(std::vector<Step> steps, prepare_steps(g, choices, options.isa, threads, *weights));

  const BufferPlan buffers = assign_buffers(g, steps);
  const Offsets offsets = place_buffers(buffers.buffers);
  std::shared_ptr<Plan> plan(new Plan);
  plan->threads_ = threads;
  plan->exact_ = g.exact && !rest;
  plan->rest_ = std::move(rest);
  const auto place_of = [&](ValueId id) -> Result<Place> {
    Place place;
    if (id == kNoValue) return place;
    const auto index = static_cast<std::size_t>(id);
    if (buffers.buffer_of[index] != kNoBuffer) {
      place.kind = Place::Kind::arena;
      place.offset = offsets.of[static_cast<std::size_t>(buffers.buffer_of[index])] + buffers.offset_of[index];
    } else if (buffers.input_of[index] >= 0) {
      place.kind = Place::Kind::input;
      place.input = buffers.input_of[index];
    } else if (buffers.constant_of[index] != kNoValue) {
      place.kind = Place::Kind::constant;
      ADZE_TRY(place.constant, plan->keep(g.graph[buffers.constant_of[index]], *weights));
    }
    return place;
  };

  const auto add_place = [&](ValueId id) -> Result<void> {
    ADZE_TRY(plan->places_.emplace_back(), place_of(id));
    plan->pitches_.push_back(id == kNoValue ? 0 : buffers.pitch_of[static_cast<std::size_t>(id)]);
    return {};
  };

  std::vector<StepCost> costs;
  for (std::size_t n = 0; n < steps.size(); n++) {
    if (buffers.idle[n]) continue;
    const Node& node = g.graph.nodes[n];
    PlanStep step;
    step.step = std::move(steps[n]);
    step.name = node.name;
    step.op = node.op->name;
    step.first_input = static_cast<int>(plan->places_.size());
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      const bool unread = i < 32 && (step.step.unread >> i & 1);
      ADZE_CHECK(add_place(unread ? kNoValue : node.inputs[i]));
      if (node.inputs[i] != kNoValue) step.inputs.push_back(g.info(node.inputs[i]));
    }
    step.first_output = static_cast<int>(plan->places_.size());
    for (const ValueId id : node.outputs) {
      ADZE_CHECK(add_place(id));
      if (id != kNoValue) step.outputs.push_back(g.info(id));
    }
    for (TensorInfo& info : step.inputs) info.value = nullptr;  // the specialised graph goes away
    costs.push_back(cost_of(step.step, step.inputs, step.outputs, choices[n]));
    plan->scratch_bytes_ = std::max(plan->scratch_bytes_, aligned(step.step.scratch_bytes));
    plan->steps_.push_back(std::move(step));
  }

  plan->share_out(costs, threads);

  std::size_t top = offsets.total;
  for (const Port& port : g.graph.inputs) {
    plan->inputs_.push_back(g.info(port.value));
    plan->input_places_.push_back({Place::Kind::arena, top, -1, nullptr});
    top += aligned(plan->inputs_.back().bytes());
  }
  for (const Port& port : g.graph.outputs) {
    plan->outputs_.push_back(g.info(port.value));
    plan->outputs_.back().value = nullptr;
    ADZE_TRY(plan->output_places_.emplace_back(), place_of(port.value));
  }
  plan->scratch_offset_ = top;
  plan->arena_bytes_ = top + plan->scratch_bytes_ * static_cast<std::size_t>(plan->parallel_ ? threads : 1);
  const std::size_t constants = weights->bytes() + plan->constant_bytes_;
  if (plan->arena_bytes_ + constants > options.max_memory) {
    return make_error(Code::resource_limit, "the arena of ", plan->arena_bytes_, " bytes and the weights of ",
                      constants, " bytes exceed the memory limit of ", options.max_memory);
  }
  return std::shared_ptr<const Plan>(std::move(plan));
}

}  // namespace adze
