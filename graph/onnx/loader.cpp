#include "graph/onnx/loader.h"

#include <filesystem>

#include "graph/onnx/graph_builder.h"
#include "graph/onnx/lean_stream.h"

namespace adze {
namespace {

Result<void> read_versions(const onnx::ModelProto& model, FileContext& file) {
  const std::int64_t ir = model.ir_version();
  if (ir < kMinIrVersion) return make_error(Code::invalid_model, "IR version ", ir, " is below ", kMinIrVersion);
  if (ir > kMaxIrVersion) return make_error(Code::unsupported, "IR version ", ir, " is above ", kMaxIrVersion);
  ADZE_TRY(file.opsets, read_opsets(model.opset_import()));
  if (file.opsets.empty()) return make_error(Code::invalid_model, "no operator set is imported");
  return {};
}

Result<Graph> build(onnx::ModelProto& model, TensorFiles tensors) {
  if (!model.has_graph()) return make_error(Code::invalid_model, "is not an ONNX model: it has no graph");
  FileContext file;
  file.tensors = std::move(tensors);
  ADZE_CHECK(read_versions(model, file));
  ADZE_CHECK(file.functions.read(model));
  ADZE_TRY(Graph graph, build_graph(*model.mutable_graph(), file));
  ADZE_CHECK(file.unsupported.result());
  return graph;
}

Result<void> check_size(std::uint64_t bytes) {
  if (bytes == 0) return make_error(Code::invalid_model, "the file is empty");
  if (bytes > kMaxModelBytes) return make_error(Code::resource_limit, "is larger than ", kMaxModelBytes, " bytes");
  return {};
}

Result<Graph> read(const std::string& path) {
  ADZE_TRY(const auto file, File::open(path));
  ADZE_CHECK(check_size(file->size()));
  ADZE_TRY(auto edits, leave_out_weights(*file));
  LeanStream stream(*file, std::move(edits));
  google::protobuf::io::CopyingInputStreamAdaptor adaptor(&stream);
  onnx::ModelProto model;
  const bool parsed = model.ParseFromZeroCopyStream(&adaptor);
  ADZE_CHECK(stream.status());
  if (!parsed) return make_error(Code::invalid_model, "is not an ONNX model, or is cut off");
  return build(model, TensorFiles(std::filesystem::path(path).parent_path().string(), file));
}

Result<Graph> parse(std::span<const std::byte> bytes) {
  ADZE_CHECK(check_size(bytes.size()));
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return make_error(Code::invalid_model, "is not an ONNX model, or is cut off");
  }
  return build(model, {});
}

// What `load` gives, with `name` in the errors.
template <class Load>
Result<Graph> named(const std::string& name, Load load) {
  try {
    auto graph = load();
    if (!graph) return std::move(graph).error().with_context(name);
    return graph;
  } catch (const std::bad_alloc&) {
    return make_error(Code::resource_limit, name, ": not enough memory to read it");
  }
}

}  // namespace

Result<Graph> load_graph(const std::string& path) {
  return named(path, [&] { return read(path); });
}

Result<Graph> parse_graph(std::span<const std::byte> bytes, const std::string& name) {
  return named(name, [&] { return parse(bytes); });
}

}  // namespace adze
