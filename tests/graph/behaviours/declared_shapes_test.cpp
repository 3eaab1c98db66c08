// Behaviour 21: what a file declares of dimensions and types.
#include "graph/symbols.h"
#include "tests/support/graph_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

onnx::TensorShapeProto::Dimension& dim(ModelBuilder& m, int input, int axis) {
  return *m.proto()
              .mutable_graph()
              ->mutable_input(input)
              ->mutable_type()
              ->mutable_tensor_type()
              ->mutable_shape()
              ->mutable_dim(axis);
}

Graph parsed(const ModelBuilder& m) {
  auto graph = try_parse(m);
  EXPECT_TRUE(graph) << graph.error().message;
  return graph ? *std::move(graph) : Graph();
}

ModelBuilder sum() {
  ModelBuilder m;
  m.input("a", {-1, 3}).input("b", {-1, 3}).output("y", {-1, 3});
  m.node("Add", {"a", "b"}, {"y"});
  return m;
}

TEST(Behaviour21, OneSymbolIsOneSizeAcrossInputs) {
  ModelBuilder m = sum();
  dim(m, 0, 0).set_dim_param("batch");
  dim(m, 1, 0).set_dim_param("batch");
  const Graph graph = parsed(m);
  const auto check = [&](std::int64_t a, std::int64_t b) {
    return check_symbols(graph, std::vector<InputShape>{{{a, 3}}, {{b, 3}}});
  };
  EXPECT_TRUE(check(2, 2));
  EXPECT_TRUE(check(0, 0));
  const auto refused = check(2, 1);  // Add alone would broadcast
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::bad_input);
  for (const char* part : {"\"a\"", "\"b\"", "\"batch\"", "2", "1"}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  }
}

TEST(Behaviour21, OneSymbolIsOneSizeWithinAnInput) {
  ModelBuilder m;
  m.input("a", {-1, -1}).output("y");
  m.node("Relu", {"a"}, {"y"});
  dim(m, 0, 0).set_dim_param("n");
  dim(m, 0, 1).set_dim_param("n");
  const Graph graph = parsed(m);
  EXPECT_TRUE(check_symbols(graph, std::vector<InputShape>{{{4, 4}}}));
  EXPECT_FALSE(check_symbols(graph, std::vector<InputShape>{{{4, 5}}}));
}

TEST(Behaviour21, MarksOfAnOpenSizeBindNothing) {
  for (const char* mark : {"?", "-1", "None"}) {
    ModelBuilder m;
    m.input("a", {-1, -1}).output("y");
    m.node("Relu", {"a"}, {"y"});
    dim(m, 0, 0).set_dim_param(mark);
    dim(m, 0, 1).set_dim_param(mark);
    EXPECT_TRUE(check_symbols(parsed(m), std::vector<InputShape>{{{4, 5}}})) << mark;
  }
}

TEST(Behaviour21, UnknownNamesAreSymbolsLikeOthersAndNoNameBindsNothing) {
  ModelBuilder m = sum();
  dim(m, 0, 0).set_dim_param("unk__1");
  dim(m, 1, 0).set_dim_param("unk__2");
  EXPECT_TRUE(check_symbols(parsed(m), std::vector<InputShape>{{{2, 3}}, {{1, 3}}}));
  dim(m, 0, 0).clear_value();
  dim(m, 1, 0).set_dim_param("");
  EXPECT_TRUE(check_symbols(parsed(m), std::vector<InputShape>{{{2, 3}}, {{1, 3}}}));
}

TEST(Behaviour21, ZeroAndMinusOneMeanOpen) {
  ModelBuilder m = sum();
  dim(m, 0, 0).set_dim_value(0);
  dim(m, 1, 0).set_dim_value(-1);
  const Graph graph = parsed(m);
  EXPECT_EQ((*graph.inputs[0].dims)[0].size, -1);
  EXPECT_EQ((*graph.inputs[1].dims)[0].size, -1);
  EXPECT_EQ((*graph.inputs[0].dims)[1].size, 3);
}

TEST(Behaviour21, AnInputMayDeclareNoShape) {
  ModelBuilder m;
  m.input("x", {}).output("y");
  m.node("Neg", {"x"}, {"y"});
  m.proto().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  const Graph graph = parsed(m);
  EXPECT_FALSE(graph.inputs[0].dims.has_value());
  EXPECT_TRUE(check_symbols(graph, std::vector<InputShape>{{{2, 2}}}));
  expect_values(run_model(m, {tensor_of<float>({2, 2}, {1, 2, 3, 4})})[0], {2, 2}, {-1, -2, -3, -4});
}

// GraphProto.value_info, which adze doesn't read.
void declare_intermediate(ModelBuilder& m, const std::string& name, DType type, const std::vector<std::int64_t>& dims) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  info.mutable_type()->mutable_tensor_type()->set_elem_type(static_cast<int>(type));
  for (const std::int64_t size : dims) {
    info.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(size);
  }
  const std::string bytes = info.SerializeAsString();
  ASSERT_LT(bytes.size(), 128u);
  onnx::GraphProto more;
  ASSERT_TRUE(more.ParsePartialFromString(std::string{13 << 3 | 2, static_cast<char>(bytes.size())} + bytes));
  m.proto().mutable_graph()->MergeFrom(more);
}

TEST(Behaviour21, WhatTheFileSaysOfIntermediateValuesIsNotTrusted) {
  ModelBuilder m;
  m.input("x", {2, 3}).output("y", {7, 7, 7});  // a wrong output shape isn't, either
  m.node("Transpose", {"x"}, {"t"});
  m.node("Shape", {"t"}, {"s"});
  m.node("Reshape", {"x", "s"}, {"y"});
  declare_intermediate(m, "t", DType::i8, {2, 3});
  declare_intermediate(m, "s", DType::f32, {5});
  expect_values(run_model(m, {tensor_of<float>({2, 3}, {1, 2, 3, 4, 5, 6})})[0], {3, 2}, {1, 2, 3, 4, 5, 6});
}

TEST(Behaviour21, ATypeThatTheFileDeniesIsRefused) {
  ModelBuilder m;
  m.input("x", {2}, DType::i64).output("y", {2}, DType::f32);
  m.node("Neg", {"x"}, {"y"});
  expect_model_refused(m, Code::invalid_model, "declared float, but computed as int64");
}

}  // namespace
}  // namespace adze::testing
