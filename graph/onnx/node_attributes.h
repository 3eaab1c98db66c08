// AttributeProto to Attribute, checked against the operator's AttrSpecs.
#pragma once

#include "graph/onnx/graph_builder.h"
#include "graph/op.h"

namespace adze {

// Fills node.attributes. REQUIRES: node.op. Errors name the attribute.
Result<void> read_attributes(onnx::NodeProto& proto, Node& node, FileContext& file);

}  // namespace adze
