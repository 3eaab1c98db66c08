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
  for (const auto& opset : model.opset_import()) {
    const std::string domain = opset.domain() == "ai.onnx" ? "" : opset.domain();
    if (!file.opsets.emplace(domain, opset.version()).second) {
      return make_error(Code::invalid_model, "operator set \"", printable(domain), "\" is imported twice");
    }
    if (!domain.empty()) continue;
    if (opset.version() < 1)
      return make_error(Code::invalid_model, "operator set version ", opset.version(), " is below 1");
    if (opset.version() > kMaxOpset) {
      return make_error(Code::unsupported, "operator set version ", opset.version(), " is above ", kMaxOpset);
    }
  }
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
    FileContext file{{}, folder, {}};
    ADZE_CHECK(read_versions(model, file));
    if (model.functions_size()) file.unsupported.add(concat(model.functions_size(), " model-local functions"));
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
