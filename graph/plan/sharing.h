// How many threads share each step of a plan: a pure function of what the steps cost.
#pragma once

#include <span>
#include <vector>

#include "graph/op.h"

namespace adze {

struct StepCost {
  double flops = 0;
  double bytes = 0;   // read and written
  int max_parts = 1;  // more threads than this find nothing to do
  int asked = 0;      // Choice::parts
};
StepCost cost_of(const Step& step, std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs,
                 const Choice& choice = {});

// The threads of a step taken by itself, 1 to min(max_parts, threads): as many as were asked for; else all where that
// saves more than meeting before and after the step takes.
int share_step(const StepCost& step, int threads);

// The same for a plan's steps. Where all that sharing would save without being asked doesn't pay for waking the other
// threads, none is shared: whoever asks has timed a step while they were awake.
std::vector<int> share_steps(std::span<const StepCost> steps, int threads);

}  // namespace adze
