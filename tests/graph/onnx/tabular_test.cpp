// What only ai.onnx.ml brings to a file: an operator set of its own, sequences of maps, and labels that are text.
#include <gtest/gtest.h>

#include "graph/onnx/loader.h"
#include "tests/support/model_builder.h"

namespace adze::testing {
namespace {

// x -> LinearClassifier -> label, scores -> ZipMap -> zipped. `label` is an output of the model if asked for.
ModelBuilder classifier(const std::string& labels, bool label_output) {
  ModelBuilder m;
  auto* import = m.proto().add_opset_import();
  import->set_domain("ai.onnx.ml");
  import->set_version(1);
  m.input("x", {-1, 1});
  if (label_output) m.output("label", {-1}, labels == "strings" ? DType::string : DType::i64);
  auto* zipped = m.proto().mutable_graph()->add_output();
  zipped->set_name("zipped");
  auto* map = zipped->mutable_type()->mutable_sequence_type()->mutable_elem_type()->mutable_map_type();
  map->set_key_type(7);
  map->mutable_value_type()->mutable_tensor_type()->set_elem_type(1);
  auto& linear = m.node("LinearClassifier", {"x"}, {"label", "scores"});
  linear.set_name("linear");
  linear.set_domain("ai.onnx.ml");
  auto* coefficients = linear.add_attribute();
  coefficients->set_name("coefficients");
  coefficients->set_type(onnx::AttributeProto::FLOATS);
  coefficients->add_floats(-1);
  coefficients->add_floats(1);
  auto& zip = m.node("ZipMap", {"scores"}, {"zipped"});
  zip.set_domain("ai.onnx.ml");
  for (auto* node : {&linear, &zip}) {
    if (labels == "strings") {
      auto* text = node->add_attribute();
      text->set_name("classlabels_strings");
      text->set_type(onnx::AttributeProto::STRINGS);
      text->add_strings("no");
      text->add_strings("yes");
    } else {
      set(*node, node == &linear ? "classlabels_ints" : "classlabels_int64s", {0, 1});
    }
  }
  return m;
}

TEST(Tabular, ASequenceOfMapsIsATensor) {
  const std::string bytes = classifier("ints", true).serialized();
  const auto graph = parse_graph(bytes_of(bytes), "m.onnx");
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->outputs[0].type, DType::i64);
  EXPECT_EQ(graph->outputs[1].type, DType::f32);
}

TEST(Tabular, LabelsAsTextAreRefusedOnlyWhereTheyAreRead) {
  const std::string without = classifier("strings", false).serialized();
  const auto graph = parse_graph(bytes_of(without), "m.onnx");
  EXPECT_TRUE(graph) << graph.error().message;
  const std::string with = classifier("strings", true).serialized();
  const auto refused = parse_graph(bytes_of(with), "m.onnx");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  EXPECT_NE(refused.error().message.find("node \"linear\" (LinearClassifier): output 0 is text"), std::string::npos)
      << refused.error().message;
}

TEST(Tabular, TheDomainsOwnVersionCounts) {
  ModelBuilder m = classifier("ints", true);
  m.proto().mutable_opset_import(1)->set_version(0);
  const std::string bytes = m.serialized();
  const auto graph = parse_graph(bytes_of(bytes), "m.onnx");
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().message.find("operator set 0 has no version"), std::string::npos) << graph.error().message;
}

}  // namespace
}  // namespace adze::testing
