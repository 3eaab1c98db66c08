// Tuner: finds out by the clock how each node of a graph runs fastest, among the ways that give the same bytes
// (graph/choice.h). What it found once it takes from its cache.
//
// A node's candidates run in turns, on buffers of the node's own. One that is not faster than the default by a margin
// is not chosen.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "graph/specialised.h"
#include "runtime/tune/choice_cache.h"
#include "runtime/tune/step_timer.h"

namespace adze {

// For what a choice is made.
struct TuneTarget {
  Isa isa = active_isa();  // no variant above it
  int threads = 1;
  std::size_t max_bytes = 0;  // that tuning may take meanwhile
};

// Thread-safe: graphs are tuned one after the other, so that they don't disturb each other.
class Tuner {
 public:
  using MakeTimer = std::function<Result<std::unique_ptr<StepTimer>>(int threads, std::size_t other_bytes)>;

  Tuner(std::shared_ptr<ChoiceCache> cache, Note note, MakeTimer make_timer = PoolTimer::create)
      : cache_(std::move(cache)), note_(std::move(note)), make_timer_(std::move(make_timer)) {}

  // A choice for each node, the default where there is nothing to win or no room to find out. Constants that it made be
  // there are released.
  std::vector<Choice> choose(SpecialisedGraph& g, const TuneTarget& target);

  // From now on nothing is timed: what the cache doesn't have runs by default.
  void only_recall();

 private:
  std::mutex mutex_;
  const std::shared_ptr<ChoiceCache> cache_;
  const Note note_;
  const MakeTimer make_timer_;
  bool only_recalls_ = false;
};

}  // namespace adze
