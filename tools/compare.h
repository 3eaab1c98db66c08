// Whether a result is the expected one, as ONNX's backend tests ask: types and shapes equal, integers exact, floats
// within a relative and an absolute tolerance, NaN equal to NaN.
#pragma once

#include "graph/core/tensor.h"
#include "graph/op.h"

namespace adze {

struct Tolerance {
  double relative = 1e-3;
  double absolute = 1e-7;
};

// Type and shape alone.
Result<void> compare_kind(const Tensor& expected, const TensorInfo& info);

// Error mismatch with the first element that differs.
Result<void> compare(const Tensor& expected, const TensorInfo& info, std::span<const std::byte> actual,
                     const Tolerance& tolerance);

}  // namespace adze
