// Which values are written inside others: an input of a step that puts its inputs side by side (Step::join) may lie in
// that step's output from the start, so that nothing has to be copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/specialised.h"

namespace adze {

struct Home {
  ValueId value = kNoValue;  // the outermost value that this one lies in; kNoValue: it has bytes of its own
  std::size_t offset = 0;    // bytes from that one's first
  std::int64_t pitch = 0;    // elements between its rows; 0: they follow each other
};

// By ValueId. steps[i] belongs to g.graph.nodes[i]. A value has one home; further steps that join it copy it.
std::vector<Home> find_homes(const SpecialisedGraph& g, std::span<const Step> steps);

}  // namespace adze
