// Single tensors in .pb files, as the ONNX backend tests store them.
#pragma once

#include <string>

#include "graph/core/tensor.h"

namespace adze {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// Error unsupported when the file holds something else than a dense tensor of a supported type.
Result<NamedTensor> read_tensor_file(const std::string& path);

}  // namespace adze
