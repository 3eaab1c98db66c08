#include "graph/core/shape.h"

#include <algorithm>

#include "graph/core/result.h"

namespace adze {

Shape::Shape(std::span<const std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  ADZE_ASSERT(dims.size() <= kMaxRank);
  std::copy(dims.begin(), dims.end(), dims_.begin());
}

bool Shape::operator==(const Shape& other) const { return std::ranges::equal(dims(), other.dims()); }

std::int64_t Shape::elements(int first, int last) const {
  std::int64_t product = 1;
  for (int axis = first; axis < last; axis++) product *= (*this)[axis];
  return product;
}

std::optional<std::int64_t> Shape::checked_elements() const {
  std::int64_t product = 1;
  bool empty = false;
  for (const std::int64_t dim : dims()) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, dim, &product)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : product;
}

std::array<std::int64_t, kMaxRank> Shape::strides() const {
  std::array<std::int64_t, kMaxRank> result{};
  std::int64_t stride = 1;
  for (int axis = rank_ - 1; axis >= 0; axis--) {
    result[static_cast<std::size_t>(axis)] = stride;
    stride *= (*this)[axis];
  }
  return result;
}

std::string to_string(const Shape& shape) {
  if (shape.rank() == 0) return "scalar";
  std::string text;
  for (const std::int64_t dim : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(dim);
  }
  return text;
}

std::optional<std::size_t> byte_size(const Shape& shape, std::size_t element_size) {
  const auto elements = shape.checked_elements();
  std::int64_t bytes = 0;
  if (!elements || __builtin_mul_overflow(*elements, static_cast<std::int64_t>(element_size), &bytes))
    return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const int offset = longer.rank() - shorter.rank();
  for (int axis = 0; axis < shorter.rank(); axis++) {
    std::int64_t& dim = result[offset + axis];
    const std::int64_t other = shorter[axis];
    if (dim == 1) {
      dim = other;
    } else if (other != 1 && other != dim) {
      return std::nullopt;
    }
  }
  return result;
}

std::optional<int> normalise_axis(std::int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) return std::nullopt;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace adze
