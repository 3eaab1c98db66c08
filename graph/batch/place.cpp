#include "graph/batch/place.h"

namespace adze {

std::vector<BatchPlace> places_before(const Shape& shape, std::int64_t before) {
  std::vector<BatchPlace> places;
  std::int64_t prefix = 1;
  for (int axis = 0; axis < shape.rank() && prefix > 0 && prefix <= before; prefix *= shape[axis], axis++) {
    if (before % prefix == 0 && shape[axis] % (before / prefix) == 0) places.push_back({axis, before / prefix});
  }
  return places;
}

std::optional<Shape> batch_shape(const Shape& shape, const BatchPlace& place, std::int64_t rows) {
  Shape result = shape;
  if (__builtin_mul_overflow(shape[place.axis], rows, &result[place.axis])) return std::nullopt;
  return result.checked_elements() ? std::optional(result) : std::nullopt;
}

}  // namespace adze
