// TensorProto in every storage form to Tensor.
#pragma once

#include <string>

#include "graph/core/tensor.h"
#include "graph/onnx/onnx_subset.pb.h"
#include "graph/onnx/tensor_files.h"

namespace adze {

// Error unsupported, with the type's name where it has one, for a number that is no type that adze stores.
Result<DType> element_type(int code);

// Takes the bytes out of `proto` where they can be used as they are. Those of a large tensor in a file are deferred.
// Error unsupported for element types that adze doesn't store, invalid_model when sizes disagree.
Result<Tensor> to_tensor(onnx::TensorProto& proto, const TensorFiles& files);
Result<Tensor> to_resident_tensor(onnx::TensorProto& proto, const TensorFiles& files);

// raw_data form, for files that are written.
onnx::TensorProto to_proto(const Tensor& tensor, const std::string& name);

}  // namespace adze
