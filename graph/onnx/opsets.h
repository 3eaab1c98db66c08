// The operator sets that a model or a function imports.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "graph/core/result.h"
#include "graph/onnx/onnx_subset.pb.h"

namespace adze {

using Opsets = std::unordered_map<std::string, std::int64_t>;  // version by domain

// "ai.onnx" and "" are one domain.
inline std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? std::string() : domain; }

Result<Opsets> read_opsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports);

}  // namespace adze
