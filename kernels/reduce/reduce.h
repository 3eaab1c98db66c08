// Reductions of f32 along one axis of [outer, r, inner], with inner contiguous.
//
//   reduce_rows_f32      inner = 1: dst[o] from r neighbouring elements, by sixteen partial results folded by halves
//   reduce_columns_f32   dst[o * inner + i] from r elements `inner` apart, in their order; a share of a plane's columns
//                        is a plane with a pitch of its own
//
// r = 0 gives the neutral element: 0 for sums, -inf for max, +inf for min. NaN in, NaN out.
#pragma once

#include <cstdint>

#include "kernels/core/slice.h"
#include "kernels/core/table.h"

namespace adze {

enum class ReduceOp : std::uint8_t { sum, abs_sum, square_sum, max, min };

// rows of r elements, one behind the other
using ReduceRowsFn = void (*)(ReduceOp op, const float* src, float* dst, std::int64_t rows, std::int64_t r);
// one [r, inner] plane whose rows lie `pitch` floats apart
using ReduceColumnsFn = void (*)(ReduceOp op, const float* src, std::int64_t pitch, float* dst, std::int64_t r,
                                 std::int64_t inner);

extern const KernelTable<ReduceRowsFn> reduce_rows_f32;
extern const KernelTable<ReduceColumnsFn> reduce_columns_f32;

struct ReducePlanes {
  std::int64_t outer = 1, r = 1, inner = 1;
};
// This slice's share of all columns: writes the range that it returns of dst's outer * inner elements.
Range reduce_columns(ReduceColumnsFn kernel, ReduceOp op, const float* src, float* dst, const ReducePlanes& planes,
                     Slice slice);

}  // namespace adze
