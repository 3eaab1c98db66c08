// Checks OpDef::permute: a node moved behind a transpose of its data must give the transpose of its results.
#pragma once

#include "tests/support/op_runner.h"

namespace adze::testing {

inline Node op_node(std::string_view name, int opset, const AttributeList& attributes, std::size_t inputs) {
  Node node;
  node.name = "test";
  node.op = find_op("", name);
  node.version = version_for(*node.op, opset);
  for (const auto& [key, value] : attributes) node.attributes.set(key, value);
  for (std::size_t i = 0; i < inputs; i++) node.inputs.push_back(static_cast<ValueId>(i));
  node.outputs.push_back(100);
  return node;
}

// Results must be near, not equal: another order of axes may add in another order.
inline void expect_permutable(std::string_view name, int opset, const AttributeList& attributes,
                              const std::vector<Tensor>& inputs, const std::vector<std::vector<int>>& perms) {
  const Tensor plain = run_op(name, opset, attributes, inputs);
  Node node = op_node(name, opset, attributes, inputs.size());
  Tensor data = inputs[0], want = plain;
  std::vector<const Tensor*> arguments(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const bool given = inputs[i].type() != DType::undefined;
    arguments[i] = given ? &inputs[i] : nullptr;
    if (!given) node.inputs[i] = kNoValue;
  }
  for (const std::vector<int>& perm : perms) {  // one after the other: a node may be moved twice
    ASSERT_TRUE(node.op->permute(node, perm)) << name;
    data = transposed(data, perm);
    want = transposed(want, perm);
    arguments[0] = &data;
    const auto results = evaluate(node, arguments);
    ASSERT_TRUE(results.has_value()) << name << ": " << results.error().message;
    const Tensor& got = (*results)[0];
    ASSERT_EQ(to_string(got.shape()), to_string(want.shape())) << name;
    for (std::size_t i = 0; i < want.as<float>().size(); i++) {
      ASSERT_NEAR(got.as<float>()[i], want.as<float>()[i], 1e-5f) << name << " element " << i;
    }
  }
}

}  // namespace adze::testing
