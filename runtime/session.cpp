#include "runtime/session.h"

#include <chrono>
#include <deque>

#include "runtime/plan.h"
#include "runtime/profile.h"
#include "runtime/rest_run.h"
#include "runtime/thread_pool.h"

namespace adze {
namespace {

// A plan with its places turned into addresses of this session's arena.
struct Bound {
  std::shared_ptr<const Plan> plan;
  std::vector<InputShape> shapes;
  std::vector<std::byte*> pointers;  // as Plan::places()
  std::vector<std::byte*> inputs, outputs;
  const std::byte* arena = nullptr;  // what the pointers were resolved against
  std::unique_ptr<RestRun> rest;     // where the plan leaves one
};

constexpr std::size_t kMaxBound = 128;

std::int64_t nanoseconds_now() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

struct Session::State {
  std::shared_ptr<const Model> model;
  std::shared_ptr<ThreadPool> pool;
  MemorySource arena_source;
  Mapping arena;
  std::deque<Bound> bound;  // the most recently made last
  Bound* current = nullptr;
  Profile* profile = nullptr;
  const CancelFlag* cancel = nullptr;
  StepFailure failure;
  std::atomic<int> failed_step{-1};

  std::byte* resolve(const Bound& b, const Place& place) const {
    switch (place.kind) {
      case Place::Kind::arena:
        return arena.data() + place.offset;
      case Place::Kind::input:
        return b.inputs[static_cast<std::size_t>(place.input)];
      case Place::Kind::constant:
        return const_cast<std::byte*>(place.constant);
      case Place::Kind::none:
        return nullptr;
    }
    return nullptr;
  }

  Result<void> select(Bound& b) {
    ADZE_CHECK(reserve(b.plan->arena_bytes()));
    current = &b;
    resolve_all(b);
    if (profile) profile->resize(b.plan->steps().size());
    return {};
  }

  // The old arena goes before the new one comes, so that both need not fit.
  Result<void> reserve(std::size_t bytes) {
    if (bytes <= arena.bytes()) return {};
    current = nullptr;
    arena = Mapping();
    ADZE_TRY(arena, Mapping::create(bytes, arena_source));
    return {};
  }

  void resolve_all(Bound& b) {
    const Plan& plan = *b.plan;
    for (std::size_t i = 0; i < b.inputs.size(); i++) b.inputs[i] = arena.data() + plan.input_places()[i].offset;
    resolve_uses(b);
    b.arena = arena.data();
  }

  void resolve_uses(Bound& b) {
    for (std::size_t i = 0; i < b.pointers.size(); i++) b.pointers[i] = resolve(b, b.plan->places()[i]);
    for (std::size_t i = 0; i < b.outputs.size(); i++) b.outputs[i] = resolve(b, b.plan->output_places()[i]);
  }

  // What every thread runs: all steps in order, its slice of each.
  void run_steps(int part) {
    const Plan& plan = *current->plan;
    std::byte* const* pointers = current->pointers.data();
    const std::int64_t* pitches = plan.pitches().data();
    std::byte* scratch = arena.data() + plan.scratch_offset(part);
    const bool timed = profile && part == 0;
    std::int64_t since = timed ? nanoseconds_now() : 0;
    for (std::size_t n = 0; n < plan.steps().size(); n++) {
      const PlanStep& step = plan.steps()[n];
      if (step.barrier && plan.parallel()) pool->barrier();
      if (part < step.parts && !cancel->requested() && !failure.message()) {
        step.step.run(step.step.args.get(), Call{pointers + step.first_input,
                                                 pointers + step.first_output,
                                                 scratch,
                                                 {part, step.parts},
                                                 *cancel,
                                                 failure,
                                                 pitches + step.first_input,
                                                 pitches + step.first_output});
        if (failure.message()) {
          int none = -1;
          failed_step.compare_exchange_strong(none, static_cast<int>(n));
        }
      }
      if (timed) {
        const std::int64_t now = nanoseconds_now();
        profile->add(n, now - since);
        since = now;
      }
    }
  }
};

Session::Session(std::shared_ptr<const Model> model, std::shared_ptr<ThreadPool> pool, const MemorySource& arena_source)
    : state_(std::make_unique<State>()) {
  state_->model = std::move(model);
  state_->pool = std::move(pool);
  state_->arena_source = arena_source;
}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result<void> Session::reshape(std::span<const Shape> input_shapes) {
  // Going back to known shapes allocates nothing.
  for (Bound& b : state_->bound) {
    const auto same = [](const InputShape& a, const Shape& shape) { return a == shape; };
    if (std::ranges::equal(b.shapes, input_shapes, same)) return state_->select(b);
  }
  std::vector<InputShape> inputs;
  for (const Shape& shape : input_shapes) inputs.push_back({shape});
  return reshape(inputs);
}

Result<void> Session::reshape(std::span<const InputShape> input_shapes) {
  State& s = *state_;
  Bound* found = nullptr;
  for (Bound& b : s.bound) {
    if (std::ranges::equal(b.shapes, input_shapes)) found = &b;
  }
  if (!found) {
    ADZE_TRY(auto plan, s.model->plan(input_shapes, s.pool->threads()));
    if (s.bound.size() == kMaxBound) s.bound.pop_front();
    Bound made{plan, {input_shapes.begin(), input_shapes.end()}, {}, {}, {}, nullptr, nullptr};
    if (plan->rest()) made.rest = std::make_unique<RestRun>(*plan->rest(), s.pool);
    made.pointers.resize(plan->places().size());
    made.inputs.resize(plan->inputs().size());
    made.outputs.resize(plan->outputs().size());
    s.bound.push_back(std::move(made));
    found = &s.bound.back();
  }
  return s.select(*found);
}

const Plan& Session::plan() const { return *state_->current->plan; }

std::span<std::byte> Session::input(int i) {
  const Bound& b = *state_->current;
  const auto index = static_cast<std::size_t>(i);
  return {b.inputs[index], b.plan->inputs()[index].bytes()};
}

void Session::bind_input(int i, const std::byte* data) {
  Bound& b = *state_->current;
  b.inputs[static_cast<std::size_t>(i)] = const_cast<std::byte*>(data);
  state_->resolve_uses(b);
}

Result<void> Session::run(const CancelFlag& cancel) {
  State& s = *state_;
  s.cancel = &cancel;
  s.failure.reset();
  s.failed_step = -1;
  if (s.current->plan->parallel()) {
    s.pool->run([](void* state, int part) { static_cast<State*>(state)->run_steps(part); }, &s);
  } else {
    s.run_steps(0);
  }
  if (s.profile) s.profile->count_run();
  if (cancel.requested()) return make_error(Code::cancelled, "cancelled");
  if (const char* message = s.failure.message()) {
    const PlanStep& step = s.current->plan->steps()[static_cast<std::size_t>(s.failed_step.load())];
    return make_error(Code::bad_input, "node \"", step.name, "\" (", step.op, "): ", message);
  }
  if (!s.current->rest) return {};
  std::vector<Tensor> given;
  for (std::size_t i = 0; i < s.current->outputs.size(); i++) {
    const TensorInfo& info = s.current->plan->outputs()[i];
    given.emplace_back(info.type, info.shape,
                       std::shared_ptr<const std::byte>(std::shared_ptr<void>(), s.current->outputs[i]));
  }
  return s.current->rest->run(given, cancel);
}

const TensorInfo& Session::output_info(int i) const {
  if (state_->current->rest) return state_->current->rest->session().output_info(i);
  return state_->current->plan->outputs()[static_cast<std::size_t>(i)];
}

std::span<const std::byte> Session::output(int i) const {
  if (state_->current->rest) return state_->current->rest->session().output(i);
  return {state_->current->outputs[static_cast<std::size_t>(i)], output_info(i).bytes()};
}

void Session::set_profile(Profile* profile) {
  state_->profile = profile;
  if (profile && state_->current) profile->resize(state_->current->plan->steps().size());
}

}  // namespace adze
