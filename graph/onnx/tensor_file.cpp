#include "graph/onnx/tensor_file.h"

#include "graph/onnx/file.h"
#include "graph/onnx/loader.h"
#include "graph/onnx/tensor_proto.h"

namespace adze {

Result<NamedTensor> read_tensor_file(const std::string& path) {
  ADZE_TRY(FileBytes file, read_file(path, kMaxModelBytes));
  onnx::TensorProto proto;
  if (!proto.ParseFromArray(file.data.get(), static_cast<int>(file.size))) {
    return make_error(Code::bad_input, path, ": is not a tensor file, or is cut off");
  }
  auto tensor = to_tensor(proto, {});
  if (!tensor) return std::move(tensor).error().with_context(path);
  return NamedTensor{proto.name(), *std::move(tensor)};
}

}  // namespace adze
