// From an ONNX file to a validated Graph. Nothing in the file is trusted: every size is checked before it is
// allocated, and everything that adze can't run is listed in one error.
//
// Errors: bad_input when the file can't be read, invalid_model when it is not a well-formed model, unsupported with
// the name of every node concerned, resource_limit when it exceeds a limit below.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "graph/core/result.h"
#include "graph/graph.h"

namespace adze {

constexpr int kMinIrVersion = 3, kMaxIrVersion = 14;
constexpr int kMaxOpset = 28;
constexpr std::size_t kMaxModelBytes = (std::size_t{2} << 30) - 1;  // protobuf's own limit for one message
constexpr std::size_t kMaxNodes = std::size_t{1} << 20;
constexpr std::size_t kMaxNameLength = 4096;

// External data is read from the folder of `path` and nowhere else.
Result<Graph> load_graph(const std::string& path);
// `name` stands for the file in messages. External data is refused: there is no folder it could be in.
Result<Graph> parse_graph(std::span<const std::byte> bytes, const std::string& name);

}  // namespace adze
