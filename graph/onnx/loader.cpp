#include "graph/onnx/loader.h"

#include <filesystem>

#include "graph/onnx/file.h"
#include "graph/onnx/graph_builder.h"

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

Result<Graph> parse(std::span<const std::byte> bytes, const std::optional<std::string>& folder) {
  if (bytes.empty()) return make_error(Code::invalid_model, "the file is empty");
  if (bytes.size() > kMaxModelBytes)
    return make_error(Code::resource_limit, "is larger than ", kMaxModelBytes, " bytes");
  try {
    onnx::ModelProto model;
    if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return make_error(Code::invalid_model, "is not an ONNX model, or is cut off");
    }
    if (!model.has_graph()) return make_error(Code::invalid_model, "is not an ONNX model: it has no graph");
    FileContext file;
    file.folder = folder;
    ADZE_CHECK(read_versions(model, file));
    ADZE_CHECK(file.functions.read(model));
    ADZE_TRY(Graph graph, build_graph(*model.mutable_graph(), file));
    ADZE_CHECK(file.unsupported.result());
    return graph;
  } catch (const std::bad_alloc&) {
    return make_error(Code::resource_limit, "not enough memory to read it");
  }
}

}  // namespace

Result<Graph> load_graph(const std::string& path) {
  ADZE_TRY(FileBytes file, read_file(path, kMaxModelBytes));
  auto graph = parse(file.span(), std::filesystem::path(path).parent_path().string());
  if (!graph) return std::move(graph).error().with_context(path);
  return graph;
}

Result<Graph> parse_graph(std::span<const std::byte> bytes, const std::string& name) {
  auto graph = parse(bytes, std::nullopt);
  if (!graph) return std::move(graph).error().with_context(name);
  return graph;
}

}  // namespace adze
