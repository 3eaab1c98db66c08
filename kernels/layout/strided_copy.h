// Copies between arrays with arbitrary strides: transposes, slices, concatenation and repetition are all this.
//
//   dst[sum_i x_i dst_stride_i] = src[sum_i x_i src_stride_i]      for all x with 0 <= x_i < dims_i
//
// Strides are in elements, may be 0 or negative in src, and differ per side. Elements are 1, 2, 4 or 8 bytes. src and
// dst must not overlap; a scalar is one axis of size 1. Axes that lie behind each other on both sides are merged
// beforehand (add_axis does it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/core/slice.h"
#include "kernels/core/table.h"

namespace adze {

constexpr int kMaxCopyAxes = 10;

struct StridedCopy {
  int rank = 0;
  std::array<std::int64_t, kMaxCopyAxes> dims{}, src{}, dst{};

  // Appends an axis inside all others, merging it with the last one where both sides allow.
  void add_axis(std::int64_t dim, std::int64_t src_stride, std::int64_t dst_stride);
  std::int64_t elements() const;
  // The units that a slice is made of: positions of all axes but the last two.
  std::int64_t planes() const;
};

// Copies the planes [planes.begin, planes.end).
void strided_copy(const StridedCopy& shape, std::size_t element_size, const std::byte* src, std::byte* dst,
                  Range planes);

}  // namespace adze
