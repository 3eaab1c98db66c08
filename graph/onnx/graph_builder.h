// From a GraphProto to a Graph: names resolved, everything validated, nodes in order.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "graph/graph.h"
#include "graph/onnx/onnx_subset.pb.h"
#include "graph/onnx/unsupported.h"

namespace adze {

// What all graphs of a file share.
struct FileContext {
  std::unordered_map<std::string, std::int64_t> opsets;  // by domain, "" for ai.onnx
  std::optional<std::string> folder;                     // of external data; nothing: it is refused
  Unsupported unsupported;                               // gathered while building
};

// Takes tensors' bytes out of `proto`. What is unsupported goes into file.unsupported; the graph is of use only if that
// stays empty.
Result<Graph> build_graph(onnx::GraphProto& proto, FileContext& file);

}  // namespace adze
