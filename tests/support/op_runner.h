// Builds a node by name and runs it on tensors: what the tests of graph/ops use.
//
//   const Tensor y = run_op("Softmax", 13, {{"axis", int64_t{1}}}, {x});
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "graph/evaluate.h"

namespace adze::testing {

using AttributeList = std::vector<std::pair<std::string, Attribute>>;

inline Tensor tensor(const Shape& shape, std::vector<float> values) { return Tensor::from<float>(shape, values); }
inline Tensor ints(std::vector<std::int64_t> values) { return Tensor::from_ints(values); }

// A default-constructed Tensor (type undefined) among the inputs stands for one that is left out.
inline Result<std::vector<Tensor>> try_op(std::string_view name, int opset, const AttributeList& attributes,
                                          const std::vector<Tensor>& inputs, std::size_t outputs = 1,
                                          const EvaluateOptions& options = {}) {
  Node node;
  node.name = "test";
  node.op = find_op("", name);
  if (!node.op) node.op = find_op("ai.onnx.ml", name);
  if (!node.op) node.op = find_op("com.microsoft", name);
  if (!node.op) return make_error(Code::unsupported, "no operator ", name);
  node.version = version_for(*node.op, opset);
  if (!node.version) return make_error(Code::unsupported, name, " has no version for opset ", opset);
  for (const auto& [key, value] : attributes) node.attributes.set(key, value);
  std::vector<const Tensor*> arguments;
  for (const Tensor& input : inputs) {
    const bool given = input.type() != DType::undefined;
    node.inputs.push_back(given ? static_cast<ValueId>(node.inputs.size()) : kNoValue);
    arguments.push_back(given ? &input : nullptr);
  }
  for (std::size_t i = 0; i < outputs; i++) node.outputs.push_back(static_cast<ValueId>(100 + i));
  if (node.op->check) ADZE_CHECK(node.op->check(node));
  if (node.op->condense) ADZE_CHECK(node.op->condense(node));
  return evaluate(node, arguments, options);
}

inline std::vector<Tensor> run_op_outputs(std::string_view name, int opset, const AttributeList& attributes,
                                          const std::vector<Tensor>& inputs, std::size_t outputs,
                                          const EvaluateOptions& options = {}) {
  auto result = try_op(name, opset, attributes, inputs, outputs, options);
  if (!result) {
    ADD_FAILURE() << name << ": " << result.error().message;
    return std::vector<Tensor>(outputs, Tensor::allocate(DType::f32, {0}).tensor);
  }
  return *std::move(result);
}

inline Tensor run_op(std::string_view name, int opset, const AttributeList& attributes,
                     const std::vector<Tensor>& inputs, const EvaluateOptions& options = {}) {
  return run_op_outputs(name, opset, attributes, inputs, 1, options)[0];
}

}  // namespace adze::testing
