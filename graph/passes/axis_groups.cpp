#include "graph/passes/axis_groups.h"

namespace adze {

std::optional<std::vector<AxisGroup>> axis_groups(const Shape& from, const Shape& to) {
  std::vector<AxisGroup> groups;
  int i = 0, j = 0;
  while (i < from.rank() && j < to.rank()) {
    AxisGroup group{i, 1, j, 1};
    std::int64_t left = from[i++], right = to[j++];
    while (left != right) {
      if (left == 0 || right == 0) return {};
      if (left < right && i < from.rank()) {
        left *= from[i++];
        group.count++;
      } else if (right < left && j < to.rank()) {
        right *= to[j++];
        group.to_count++;
      } else {
        return {};
      }
    }
    if (group.count > 1 && group.to_count > 1) return {};
    groups.push_back(group);
  }
  if (i != from.rank() || j != to.rank()) return {};  // axes of size 1 at the end
  return groups;
}

}  // namespace adze
