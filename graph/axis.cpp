#include "graph/axis.h"

namespace adze {

Result<std::vector<bool>> axis_set(std::span<const std::int64_t> axes, int rank) {
  std::vector<bool> set(static_cast<std::size_t>(rank));
  for (const std::int64_t axis : axes) {
    const auto normal = normalise_axis(axis, rank);
    if (!normal) return make_error(Code::invalid_model, "axis ", axis, " is out of range for rank ", rank);
    if (set[static_cast<std::size_t>(*normal)]) return make_error(Code::invalid_model, "axis ", axis, " appears twice");
    set[static_cast<std::size_t>(*normal)] = true;
  }
  return set;
}

}  // namespace adze
