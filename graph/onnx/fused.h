// Operators of domain com.microsoft that stand for a few of ai.onnx: ONNX Runtime puts them in their place in the
// graphs that it saves. They are read as calls of functions with these bodies; the passes fuse what kernels can take
// together. FusedMatMul is no such operator: it is beside MatMul.
#pragma once

#include "graph/onnx/opsets.h"

namespace adze {

inline constexpr std::string_view kFusedDomain = "com.microsoft";

struct FusedOp;

// The operator that `call` names, or null.
const FusedOp* find_fused(const onnx::NodeProto& call);
// What `call` stands for: a function whose body, of ai.onnx alone, has the call's attributes in it.
// Error invalid_model or unsupported where inputs or attributes don't allow one.
Result<onnx::FunctionProto> fused_body(const FusedOp& op, const onnx::NodeProto& call);
// The operator sets of every such body; the reference stays valid.
const Opsets& fused_opsets();

}  // namespace adze
