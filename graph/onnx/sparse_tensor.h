// SparseTensorProto to Tensor: operators take no other.
#pragma once

#include "graph/core/tensor.h"
#include "graph/onnx/onnx_subset.pb.h"
#include "graph/onnx/tensor_files.h"

namespace adze {

// Takes the bytes of the result from `budget`. Error invalid_model when indices are out of range or out of order,
// resource_limit when the budget is too small.
Result<Tensor> to_dense(onnx::SparseTensorProto& proto, const TensorFiles& files, std::size_t& budget);

}  // namespace adze
