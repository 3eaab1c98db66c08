// How a reshape maps axes onto axes.
#pragma once

#include <optional>
#include <vector>

#include "graph/core/shape.h"

namespace adze {

// Axes [from, from + count) that become axes [to, to + to_count); one of the counts is 1.
struct AxisGroup {
  int from, count, to, to_count;
};

// The groups in order, if the reshape only splits and merges axes.
std::optional<std::vector<AxisGroup>> axis_groups(const Shape& from, const Shape& to);

}  // namespace adze
