// NumPy's .npy files, versions 1 to 3, little-endian, both element orders on reading.
#pragma once

#include <string>

#include "graph/core/tensor.h"

namespace adze {

Result<Tensor> read_npy(const std::string& path);

// Writes beside `path` first and renames, so that a full disk leaves no half file.
Result<void> write_npy(const std::string& path, DType type, const Shape& shape, std::span<const std::byte> bytes);

}  // namespace adze
