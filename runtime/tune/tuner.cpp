#include "runtime/tune/tuner.h"

#include <algorithm>
#include <chrono>

#include "graph/constants.h"
#include "runtime/cpu.h"
#include "runtime/tune/node_key.h"
#include "runtime/tune/node_trial.h"

namespace adze {
namespace {

// Reading more than this evicts nothing more.
constexpr std::size_t kMostOtherBytes = std::size_t{64} << 20;

// What times hold for.
std::string machine_of(const TuneTarget& target) {
  return concat(cpu_identity(), ", ", isa_name(target.isa), ", threads: ", target.threads);
}

struct GraphBytes {
  std::size_t constants = 0, results = 0;

  explicit GraphBytes(const SpecialisedGraph& g) {
    for (const Value& value : g.graph.values) constants += value.constant ? value.constant->bytes() : 0;
    for (const Node& node : g.graph.nodes) {
      for (const ValueId id : node.outputs) results += id == kNoValue ? 0 : g.info(id).bytes();
    }
  }
};

}  // namespace

std::vector<Choice> Tuner::choose(SpecialisedGraph& g, const TuneTarget& target) {
  const std::lock_guard lock(mutex_);
  const auto begin = std::chrono::steady_clock::now();
  const std::string machine = machine_of(target);
  const GraphBytes bytes(g);
  // Plans of other shapes may have chosen other variants, which pack constants in another form.
  const bool keep_isa = 2 * bytes.constants + bytes.results > target.max_bytes;
  const std::size_t other_bytes = std::min({bytes.constants + bytes.results, kMostOtherBytes, target.max_bytes / 4});
  std::unique_ptr<StepTimer> timer;
  std::vector<Choice> choices(g.graph.nodes.size());
  int timed = 0, changed = 0;
  for (std::size_t n = 0; n < choices.size(); n++) {
    const Node& node = g.graph.nodes[n];
    const auto inputs = g.input_infos(node);
    std::vector<TensorInfo> outputs;
    for (const ValueId id : node.outputs) outputs.push_back(id == kNoValue ? TensorInfo{} : g.info(id));
    const std::string key = node_key(node, inputs, outputs);
    if (key.empty()) continue;
    std::optional<Choice> choice = cache_->find(machine, key);
    if (!choice && !only_recalls_) {
      if (!timer) {
        auto made = make_timer_(target.threads, other_bytes);
        if (!made) {
          note_(concat("nothing is tuned: ", made.error().message));
          return choices;
        }
        timer = *std::move(made);
      }
      choice = fastest_choice(
          {node, inputs, outputs, target.isa, keep_isa, target.threads, target.max_bytes - other_bytes}, *timer);
      // Whatever is wrong with a constant is said where the plan packs it.
      for (const ValueId id : node.inputs) {
        if (id != kNoValue) static_cast<void>(release(g.graph[id]));
      }
      if (choice) {
        cache_->put(machine, key, *choice);
        timed++;
        changed += *choice != Choice();
      }
    }
    if (!choice) continue;
    choices[n] = *choice;
    if (keep_isa) choices[n].isa.reset();
  }
  if (timed > 0) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    note_(concat("tuned ", timed, " kinds of nodes in ", std::to_string(seconds).substr(0, 5), " s; ", changed,
                 " of them run otherwise than by default"));
    cache_->save();
  }
  return choices;
}

void Tuner::only_recall() {
  const std::lock_guard lock(mutex_);
  only_recalls_ = true;
}

}  // namespace adze
