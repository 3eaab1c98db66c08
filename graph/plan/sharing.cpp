#include "graph/plan/sharing.h"

#include <algorithm>

namespace adze {
namespace {

// A thread's pace, in what it does per microsecond: of a core with AVX2, and of caches that hold a small model. Only
// the order of magnitude matters. A faster machine than this gains less by sharing than it seems.
constexpr double kFlops = 80e3, kBytes = 80e3;
// In microseconds: two barriers, with what then moves between the cores' caches; and waking a thread that sleeps.
constexpr double kMeeting = 1, kWaking = 5;

double microseconds(const StepCost& step) { return std::max(step.flops / kFlops, step.bytes / kBytes); }

}  // namespace

std::vector<int> share_steps(std::span<const StepCost> steps, int threads) {
  std::vector<int> parts(steps.size(), 1);
  double saved = 0;
  for (std::size_t i = 0; i < steps.size(); i++) {
    const int most = std::clamp(steps[i].max_parts, 1, std::max(threads, 1));
    const double gain = microseconds(steps[i]) * (1 - 1.0 / most) - kMeeting;
    if (gain <= 0) continue;
    parts[i] = most;
    saved += gain;
  }
  if (saved <= kWaking) std::ranges::fill(parts, 1);
  return parts;
}

}  // namespace adze
