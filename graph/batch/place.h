// Where a value carries the batch. Its axis `axis`, of d positions in one row, has rows * d in a batch: `outer` times
// all rows after each other, each with d / outer positions. outer is 1 but where axes before the batch were merged into
// its own.
#pragma once

#include <vector>

#include "graph/core/shape.h"

namespace adze {

struct BatchPlace {
  int axis = 0;
  std::int64_t outer = 1;
  bool operator==(const BatchPlace&) const = default;
};

// The elements of one row before the batch: [before, after] becomes [before, rows, after]. Places with the same
// `before` differ in shape, not in the order of elements.
inline std::int64_t before(const Shape& shape, const BatchPlace& place) {
  return shape.elements(0, place.axis) * place.outer;
}

// All places with that `before`, by axis.
std::vector<BatchPlace> places_before(const Shape& shape, std::int64_t before);

// The shape of a whole batch, or nothing where a dimension doesn't fit.
std::optional<Shape> batch_shape(const Shape& shape, const BatchPlace& place, std::int64_t rows);

}  // namespace adze
