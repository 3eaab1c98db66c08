// Shape: up to kMaxRank concrete dimensions, without allocation. All size arithmetic that could overflow is here.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace adze {

constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;  // rank 0: a scalar
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  // REQUIRES: dims.size() <= kMaxRank
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t& operator[](int axis) { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t back() const { return dims_[static_cast<std::size_t>(rank_ - 1)]; }
  std::span<const std::int64_t> dims() const { return {dims_.data(), static_cast<std::size_t>(rank_)}; }
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  // REQUIRES: rank() < kMaxRank
  void push_back(std::int64_t dim) { dims_[static_cast<std::size_t>(rank_++)] = dim; }
  bool operator==(const Shape& other) const;

  // Product of dims [first, last); 1 when empty. REQUIRES: the whole shape passed checked_elements().
  std::int64_t elements(int first, int last) const;
  std::int64_t elements() const { return elements(0, rank_); }
  // elements(), or nothing when a dim is negative or the product doesn't fit.
  std::optional<std::int64_t> checked_elements() const;
  // Elements between neighbours along each axis, for row-major order.
  std::array<std::int64_t, kMaxRank> strides() const;

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

std::string to_string(const Shape& shape);  // "1x3x224x224", "scalar"

// bytes = elements * element_size, or nothing on overflow or negative dims.
std::optional<std::size_t> byte_size(const Shape& shape, std::size_t element_size);

// NumPy's multidirectional broadcasting; nothing when the shapes don't fit.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

// axis in [-rank, rank) made non-negative; nothing when it is outside.
std::optional<int> normalise_axis(std::int64_t axis, int rank);

}  // namespace adze
