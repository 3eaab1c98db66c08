// Loads a model made in a test and runs it node by node.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graph/evaluate.h"
#include "graph/onnx/loader.h"
#include "graph/specialised.h"
#include "tests/support/model_builder.h"

namespace adze::testing {

inline Result<Graph> try_parse(const ModelBuilder& model) {
  return parse_graph(bytes_of(model.serialized()), "m.onnx");
}

inline Result<std::vector<Tensor>> try_model(const ModelBuilder& model, const std::vector<Tensor>& inputs) {
  ADZE_TRY(const Graph graph, try_parse(model));
  if (graph.inputs.size() != inputs.size()) {
    return make_error(Code::bad_input, "takes ", graph.inputs.size(), " inputs, not ", inputs.size());
  }
  return interpret(graph, inputs);
}

inline std::vector<Tensor> run_model(const ModelBuilder& model, const std::vector<Tensor>& inputs) {
  auto results = try_model(model, inputs);
  if (!results) {
    ADD_FAILURE() << results.error().message;
    return std::vector<Tensor>(static_cast<std::size_t>(const_cast<ModelBuilder&>(model).proto().graph().output_size()),
                               Tensor::allocate(DType::f32, {0}).tensor);
  }
  return *std::move(results);
}

// The model is refused, and the message has `part`.
inline void expect_model_refused(const ModelBuilder& model, Code code, const std::string& part) {
  const auto graph = try_parse(model);
  ASSERT_FALSE(graph) << "expected: " << part;
  EXPECT_EQ(graph.error().code, code) << graph.error().message;
  EXPECT_NE(graph.error().message.find(part), std::string::npos) << graph.error().message;
}

}  // namespace adze::testing
