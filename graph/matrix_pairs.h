// The matrices that MatMul and its integer relatives multiply: those in the last two axes, NumPy's broadcasting over
// the others; vectors count as a row on the left and a column on the right.
#pragma once

#include "graph/batch/lanes.h"
#include "graph/product.h"

namespace adze {

struct MatrixPairs {
  Product one;                                            // of one pair
  Shape batch;                                            // pairs
  Shape result;                                           // of the whole
  std::array<std::int64_t, kMaxRank> a_step{}, b_step{};  // in matrices, per batch axis

  // Offsets, in matrices, of the pair that makes result matrix `index`.
  std::pair<std::int64_t, std::int64_t> at(std::int64_t index) const;
};

// Either side's matrices may be stored transposed; a vector is as it is.
Result<MatrixPairs> matrix_pairs(const Shape& a, const Shape& b, bool trans_a = false, bool trans_b = false);

// The pairs, the rows on the left and the columns on the right, where `a` and `b` are the inputs of the matrices.
Lanes lanes_of_pairs(const InferContext& context, int a, int b);

}  // namespace adze
