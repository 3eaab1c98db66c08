#include "runtime/tune/node_trial.h"

#include <algorithm>

#include "graph/plan/sharing.h"
#include "runtime/tune/candidates.h"

namespace adze {
namespace {

// Of the incumbent's time, what a challenger may take at most to replace it: in the median over turns, and in three
// quarters of them.
constexpr double kMargin = 0.98, kMostlyMargin = 1;
// A challenger that is slower than this after a few turns is out.
constexpr double kHopeless = 1.05;
constexpr int kFirstTurns = 3, kFewestTurns = 7, kMostTurns = 31;
// That a contestant may take for all its turns, beyond the fewest.
constexpr std::int64_t kNanoseconds = 20'000'000;
// Less work than this is not worth a choice.
constexpr double kLeastFlops = 20e3;
constexpr std::size_t kLeastBytes = 16 << 10;

struct Contestant {
  Choice choice;
  Step step;
  int parts;
  std::vector<double> times = {};  // by turn
};

constexpr double kMedian = 0.5, kMostly = 0.75;

// The quantile over turns of the time relative to the incumbent's in the same turn.
double relative(const Contestant& one, const Contestant& incumbent, double quantile = kMedian) {
  std::vector<double> ratios;
  for (std::size_t turn = 0; turn < one.times.size(); turn++) ratios.push_back(one.times[turn] / incumbent.times[turn]);
  const auto at = ratios.begin() + static_cast<std::ptrdiff_t>(quantile * static_cast<double>(ratios.size()));
  std::ranges::nth_element(ratios, at);
  return *at;
}

class NodeTrial {
 public:
  NodeTrial(const TrialNode& node, StepTimer& timer) : node_(node), timer_(timer) {
    for (const TensorInfo* info : node.inputs) {
      if (info) inputs_.push_back(*info);
    }
  }

  std::optional<Choice> run() {
    std::optional<Contestant> standard;
    {
      WeightStore store(node_.max_bytes);
      standard = prepare({}, store);
      if (!standard) return {};
      if (standard->step.view || is_small(standard->step)) return Choice();
      auto made = TrialBuffers::create(standard->step, node_.inputs, node_.outputs, node_.threads,
                                       node_.max_bytes - store.bytes());
      if (!made) return {};
      buffers_ = *std::move(made);
    }
    WeightStore store(node_.max_bytes, buffers_.bytes());
    auto all = candidates(standard->step, standard->parts, node_.isa, node_.threads);
    if (node_.keep_isa) std::erase_if(all, [](const Choice& choice) { return choice.isa.has_value(); });
    most_scratch_ = standard->step.scratch_bytes;
    Choice best;
    for (int member = 0; member < kChoiceMembers; member++) best = race(best, neighbours(best, all, member), store);
    return best;
  }

 private:
  std::optional<Contestant> prepare(const Choice& choice, WeightStore& store) const {
    PrepareContext context(node_.node, node_.inputs, node_.outputs, node_.isa, node_.threads, store, choice);
    auto step = node_.node.op->prepare(context);
    if (!step) return {};
    const int parts = share_step(cost_of(*step, inputs_, node_.outputs, choice), node_.threads);
    return Contestant{choice, *std::move(step), parts};
  }

  bool is_small(const Step& step) const {
    std::size_t bytes = 0;
    for (const std::span<const TensorInfo> side : {std::span<const TensorInfo>(inputs_), node_.outputs}) {
      for (const TensorInfo& info : side) bytes += info.bytes();
    }
    return step.flops < kLeastFlops && bytes < kLeastBytes;
  }

  // Whether it would run otherwise than the incumbent, in no more memory than the default.
  bool is_rival(const Contestant& one, const Contestant& incumbent) const {
    if (one.step.scratch_bytes > most_scratch_) return false;
    if (one.choice.isa != incumbent.choice.isa) return one.step.kernel != incumbent.step.kernel;
    if (one.choice.parts != incumbent.choice.parts) return one.parts != incumbent.parts;
    return one.choice.order.share == incumbent.choice.order.share || one.parts > 1;
  }

  Choice race(const Choice& from, const std::vector<Choice>& challengers, WeightStore& store) {
    std::vector<Contestant> field;
    if (auto incumbent = prepare(from, store)) field.push_back(*std::move(incumbent));
    for (const Choice& choice : challengers) {
      auto one = field.empty() ? std::nullopt : prepare(choice, store);
      if (one && is_rival(*one, field[0])) field.push_back(*std::move(one));
    }
    if (field.size() < 2) return from;
    std::int64_t slowest = 1;
    for (const Contestant& one : field) slowest = std::max(slowest, time(one));  // and warms up
    const int turns = static_cast<int>(std::clamp<std::int64_t>(kNanoseconds / slowest, kFewestTurns, kMostTurns));
    for (int turn = 0; turn < turns && field.size() > 1; turn++) {
      const std::size_t first = static_cast<std::size_t>(turn) % field.size();
      for (std::size_t i = 0; i < field.size(); i++) {
        Contestant& one = field[(first + i) % field.size()];
        one.times.push_back(static_cast<double>(std::max<std::int64_t>(time(one), 1)));
      }
      if (turn + 1 == kFirstTurns) {
        const auto hopeless = [&](const Contestant& one) { return relative(one, field[0]) > kHopeless; };
        field.erase(std::remove_if(field.begin() + 1, field.end(), hopeless), field.end());
      }
    }
    const auto fastest = std::ranges::min_element(field, {}, [&](const auto& one) { return relative(one, field[0]); });
    const bool wins = relative(*fastest, field[0]) < kMargin && relative(*fastest, field[0], kMostly) < kMostlyMargin;
    return wins ? fastest->choice : from;
  }

  std::int64_t time(const Contestant& one) { return timer_.time(one.step, one.parts, buffers_); }

  const TrialNode& node_;
  StepTimer& timer_;
  std::vector<TensorInfo> inputs_;  // without those left out
  TrialBuffers buffers_;
  std::size_t most_scratch_ = 0;
};

}  // namespace

std::optional<Choice> fastest_choice(const TrialNode& node, StepTimer& timer) { return NodeTrial(node, timer).run(); }

}  // namespace adze
