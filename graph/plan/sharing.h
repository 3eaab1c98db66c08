// How many threads share each step of a plan: a pure function of what the steps cost.
#pragma once

#include <span>
#include <vector>

namespace adze {

struct StepCost {
  double flops = 0;
  double bytes = 0;   // read and written
  int max_parts = 1;  // more threads than this find nothing to do
};

// The threads of each step, 1 to min(max_parts, threads). A step is shared where that saves more than meeting before
// and after it takes; none is where all that they save would not pay for waking the other threads.
std::vector<int> share_steps(std::span<const StepCost> steps, int threads);

}  // namespace adze
