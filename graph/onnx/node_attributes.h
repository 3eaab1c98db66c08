// AttributeProto to Attribute, checked against the operator's AttrSpecs.
#pragma once

#include <optional>
#include <string>

#include "graph/onnx/onnx_subset.pb.h"
#include "graph/op.h"

namespace adze {

// Fills node.attributes. REQUIRES: node.op. Errors name the attribute.
Result<void> read_attributes(onnx::NodeProto& proto, Node& node, const std::optional<std::string>& folder);

}  // namespace adze
