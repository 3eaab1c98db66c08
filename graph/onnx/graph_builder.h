// From a GraphProto to a Graph: names resolved, everything validated, nodes in order.
#pragma once

#include <string>

#include "graph/graph.h"
#include "graph/onnx/functions.h"
#include "graph/onnx/tensor_files.h"
#include "graph/onnx/unsupported.h"

namespace adze {

// What all graphs of a file share.
struct FileContext {
  Opsets opsets;
  TensorFiles tensors;
  std::size_t dense_budget = std::size_t{256} << 20;  // bytes that sparse tensors may still take
  Functions functions;
  Unsupported unsupported;  // gathered while building
};

// Takes tensors' bytes out of `proto`. What is unsupported goes into file.unsupported; the graph is of use only if that
// stays empty.
Result<Graph> build_graph(onnx::GraphProto& proto, FileContext& file);

}  // namespace adze
