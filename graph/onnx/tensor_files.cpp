#include "graph/onnx/tensor_files.h"

namespace adze {

Result<std::shared_ptr<const File>> TensorFiles::external(const std::string& location) const {
  if (!folder_) return make_error(Code::unsupported, "can't be used by a model in memory");
  auto [entry, is_new] = external_.try_emplace(location);
  if (is_new) {
    auto file = File::open_inside(*folder_, location);
    if (!file) {
      external_.erase(entry);
      return std::move(file).error();
    }
    entry->second = *std::move(file);
  }
  return entry->second;
}

}  // namespace adze
