// Model-local functions. A call stands for the nodes of the function's body: they take its place before the graph is
// built, with names of their own, the call's attributes where they refer to the function's, and under the operator
// sets that the function imports. Functions that nobody calls are not looked at. Fused operators are such calls, too
// (fused.h).
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/onnx/opsets.h"

namespace adze {

constexpr int kMaxFunctionDepth = 64;  // calls inside calls

// A node that is an operator's, and the operator sets of the graph or function that it is from.
struct OperatorNode {
  onnx::NodeProto* proto;
  const Opsets* opsets;
};

class Functions {
 public:
  Functions() = default;
  Functions(const Functions&) = delete;  // what expand() returned points into it
  Functions& operator=(const Functions&) = delete;

  // REQUIRES: `model` outlives this, and its nodes and functions stay where they are.
  Result<void> read(onnx::ModelProto& model);

  // `nodes` with each call replaced by what it stands for. A function takes precedence over an operator of its name.
  // Errors name the call; resource_limit where all calls of the model together make too many nodes or bytes.
  Result<std::vector<OperatorNode>> expand(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes,
                                           const Opsets& opsets);

 private:
  struct Function {
    onnx::FunctionProto* proto = nullptr;
    Opsets opsets;
    enum { unchecked, open, checked } state = unchecked;
    int height = 1;  // calls on the longest way down from here, its own included
  };
  class Call;

  Function* find(const onnx::NodeProto& node);
  Result<void> check(Function& function, int depth);
  Result<void> add(onnx::NodeProto& node, const Opsets& opsets, std::vector<OperatorNode>& out);
  Result<void> add_body(onnx::NodeProto& call, const onnx::FunctionProto& function, const Opsets& opsets,
                        std::vector<OperatorNode>& out);
  std::string fresh(std::string name);
  Result<void> charge(std::size_t bytes);

  std::unordered_map<std::string, Function> functions_;
  std::unordered_set<std::string> names_;  // of all values
  std::deque<onnx::NodeProto> made_;
  std::size_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace adze
