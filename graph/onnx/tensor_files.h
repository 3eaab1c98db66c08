// Where the bytes of a model's tensors lie when they are not in its messages.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "graph/onnx/file.h"

namespace adze {

class TensorFiles {
 public:
  TensorFiles() = default;  // there are none
  // External data is in `folder`. `model` is what TensorProto.raw_offset counts in, or null.
  explicit TensorFiles(std::string folder, std::shared_ptr<const File> model = nullptr)
      : folder_(std::move(folder)), model_(std::move(model)) {}

  const std::shared_ptr<const File>& model() const { return model_; }
  // Error unsupported without a folder, else as File::open_inside. Each file is opened once.
  Result<std::shared_ptr<const File>> external(const std::string& location) const;

 private:
  std::optional<std::string> folder_;
  std::shared_ptr<const File> model_;
  mutable std::map<std::string, std::shared_ptr<const File>> external_;  // those that are open
};

}  // namespace adze
