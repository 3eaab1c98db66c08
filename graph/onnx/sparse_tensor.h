// SparseTensorProto to Tensor: operators take no other.
#pragma once

#include <optional>
#include <string>

#include "graph/core/tensor.h"
#include "graph/onnx/onnx_subset.pb.h"

namespace adze {

// Takes the bytes of the result from `budget`. Error invalid_model when indices are out of range or out of order,
// resource_limit when the budget is too small.
Result<Tensor> to_dense(onnx::SparseTensorProto& proto, const std::optional<std::string>& folder, std::size_t& budget);

}  // namespace adze
