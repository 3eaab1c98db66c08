#include "graph/plan/sharing.h"

#include <algorithm>

namespace adze {
namespace {

// A thread's pace, in what it does per microsecond: of a core with AVX2, and of caches that hold a small model. Only
// the order of magnitude matters. A faster machine than this gains less by sharing than it seems.
constexpr double kFlops = 80e3, kBytes = 80e3;
// In microseconds: two barriers, with what then moves between the cores' caches; and waking a thread that sleeps.
constexpr double kMeeting = 1, kWaking = 5;

int most_parts(const StepCost& step, int threads) { return std::clamp(step.max_parts, 1, std::max(threads, 1)); }

// Microseconds that so many threads save.
double gain(const StepCost& step, int parts) {
  const double alone = std::max(step.flops / kFlops, step.bytes / kBytes);
  return alone * (1 - 1.0 / parts) - kMeeting;
}

}  // namespace

StepCost cost_of(const Step& step, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs,
                 const Choice& choice) {
  StepCost cost{step.flops, 0, step.max_parts, choice.parts};
  for (const auto side : {inputs, outputs}) {
    for (const TensorInfo& info : side) cost.bytes += static_cast<double>(info.bytes());
  }
  return cost;
}

int share_step(const StepCost& step, int threads) {
  const int most = most_parts(step, threads);
  if (step.asked > 0) return std::min(step.asked, most);
  return gain(step, most) > 0 ? most : 1;
}

std::vector<int> share_steps(std::span<const StepCost> steps, int threads) {
  std::vector<int> parts;
  double saved = 0;
  for (const StepCost& step : steps) {
    parts.push_back(share_step(step, threads));
    StepCost unasked = step;
    unasked.asked = 0;
    if (const int standard = share_step(unasked, threads); standard > 1) saved += gain(unasked, standard);
  }
  if (saved <= kWaking) std::ranges::fill(parts, 1);
  return parts;
}

}  // namespace adze
