// What a tuner may choose from.
#pragma once

#include <vector>

#include "graph/choice.h"
#include "graph/step.h"

namespace adze {

// Every choice for a node whose step, prepared by the default choice up to `isa`, is `standard`, and runs on
// `standard_parts` of `threads` threads; the default one first. All give the same bytes.
std::vector<Choice> candidates(const Step& standard, int standard_parts, Isa isa, int threads);

// Of `all`, those that differ from `from` in one member alone: the member'th of kChoiceMembers.
constexpr int kChoiceMembers = 4;
std::vector<Choice> neighbours(const Choice& from, const std::vector<Choice>& all, int member);

}  // namespace adze
