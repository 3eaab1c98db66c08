// A model read from its file, large tensors left out, against the same model read from memory as a whole.
#include "graph/onnx/lean_stream.h"

#include <gtest/gtest.h>

#include "graph/onnx/loader.h"
#include "graph/onnx/tensor_file.h"
#include "graph/op.h"
#include "tests/support/small_cnn.h"
#include "tests/support/temp_folder.h"

namespace adze::testing {
namespace {

constexpr std::int64_t kLarge = kLeftOutBytes / sizeof(float);

bool same_content(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Whether both graphs have the same constants, also as attributes and in graphs inside.
bool same_constants(const Graph& a, const Graph& b) {
  if (a.values.size() != b.values.size() || a.nodes.size() != b.nodes.size()) return false;
  for (std::size_t i = 0; i < a.values.size(); i++) {
    const Value &x = a.values[i], &y = b.values[i];
    if (x.name != y.name || x.constant.has_value() != y.constant.has_value()) return false;
    if (x.constant && !same_content(*x.constant, *y.constant)) return false;
  }
  for (std::size_t n = 0; n < a.nodes.size(); n++) {
    for (const auto& [name, attribute] : a.nodes[n].attributes) {
      const Attribute* other = b.nodes[n].attributes.find(name);
      if (!other || other->index() != attribute.index()) return false;
      const auto* tensor = std::get_if<Tensor>(&attribute);
      if (tensor && !same_content(*tensor, std::get<Tensor>(*other))) return false;
      const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute);
      if (body && !same_constants(**body, *std::get<std::shared_ptr<const Graph>>(*other))) return false;
    }
  }
  return true;
}

class LeanStreams : public ::testing::Test {
 protected:
  // The graph from a file, after comparing it with the graph from memory.
  Result<Graph> load(const std::string& bytes) {
    auto from_file = load_graph(folder_.write("m.onnx", bytes));
    const auto from_memory = parse_graph(bytes_of(bytes), "m.onnx");
    EXPECT_EQ(from_file.has_value(), from_memory.has_value()) << (from_file ? from_memory : from_file).error().message;
    if (from_file && from_memory) {
      EXPECT_TRUE(same_constants(*from_file, *from_memory));
    }
    return from_file;
  }

  TempFolder folder_;
};

const Tensor& constant(const Graph& graph, std::string_view name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return *value.constant;
  }
  ADD_FAILURE() << "no " << name;
  return *graph.values[0].constant;
}

TEST_F(LeanStreams, LargeInitializersAreDeferredAndSmallOnesAreNot) {
  ModelBuilder m;
  m.input("x", {kLarge}).output("y");
  m.initializer("large", random_tensor({kLarge}, 1)).initializer("small", random_tensor({kLarge - 1}, 2));
  m.initializer("huge", random_tensor({300, 1000}, 3)).initializer("empty", random_tensor({0, 3}, 3));
  m.node("Add", {"x", "large"}, {"y"});
  const auto graph = load(m.serialized());
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_TRUE(constant(*graph, "large").is_deferred());
  EXPECT_TRUE(constant(*graph, "huge").is_deferred());
  EXPECT_FALSE(constant(*graph, "small").is_deferred());
  EXPECT_FALSE(constant(*graph, "empty").is_deferred());
}

TEST_F(LeanStreams, ReadsConvolutionsAndTheirLikes) {
  const auto graph = load(small_cnn());
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_TRUE(constant(*graph, "w3").is_deferred());
}

TEST_F(LeanStreams, LargeTensorsInAttributesAndInGraphsInside) {
  ModelBuilder m, inner;
  m.input("x", {kLarge}).input("c", {1}, DType::boolean).output("y");
  inner.initializer("inside", random_tensor({kLarge}, 4)).output("z");
  inner.node("Add", {"x", "inside"}, {"z"});
  auto& constant_node = m.node("Constant", {}, {"k"});
  auto* value = constant_node.add_attribute();
  value->set_name("value");
  value->set_type(onnx::AttributeProto::TENSOR);
  *value->mutable_t() = to_proto(random_tensor({kLarge + 5}, 5), "k");
  auto& branch = m.node("If", {"c"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto* attribute = branch.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    *attribute->mutable_g() = inner.proto().graph();
  }
  const auto graph = load(m.serialized());
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_TRUE(graph->nodes[0].attributes.tensor("value")->is_deferred());
  EXPECT_TRUE(constant(*graph->nodes[1].attributes.graph("then_branch"), "inside").is_deferred());
}

TEST_F(LeanStreams, LargeBoolsAreZeroOrOne) {
  ModelBuilder m;
  m.input("x", {1}, DType::boolean).output("y", {}, DType::boolean);
  auto* proto = m.proto().mutable_graph()->add_initializer();
  proto->set_name("b");
  proto->set_data_type(static_cast<int>(DType::boolean));
  proto->add_dims(kLeftOutBytes);
  proto->set_raw_data(std::string(kLeftOutBytes, '\x05'));
  m.node("And", {"x", "b"}, {"y"});
  const auto graph = load(m.serialized());
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(*constant(*graph, "b").raw(), std::byte{1});
}

TEST_F(LeanStreams, SizesThatLieAreRefused) {
  ModelBuilder m;
  m.input("x", {1}).output("y").initializer("w", random_tensor({kLarge}, 1));
  m.node("Add", {"x", "w"}, {"y"});
  m.proto().mutable_graph()->mutable_initializer(0)->set_dims(0, kLarge + 1);
  const auto graph = load(m.serialized());
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().message.find("initializer \"w\": raw_data has 16384 bytes"), std::string::npos)
      << graph.error().message;
}

// A place in the file that the file itself gives is inside it, or refused.
TEST_F(LeanStreams, PlacesThatLieAreRefused) {
  const auto refused = [&](auto change) {
    ModelBuilder m;
    m.input("x", {1}).output("y").initializer("w", random_tensor({8}, 1));
    m.node("Add", {"x", "w"}, {"y"});
    change(*m.proto().mutable_graph()->mutable_initializer(0));
    const auto graph = load_graph(folder_.write("m.onnx", m.serialized()));
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().code, Code::invalid_model) << graph.error().message;
  };
  const auto place = [](std::uint64_t offset, std::uint64_t size) {
    return [=](onnx::TensorProto& proto) {
      proto.clear_raw_data();
      proto.set_raw_offset(offset);
      proto.set_raw_size(size);
    };
  };
  refused(place(0, 31));
  refused(place(1 << 20, 32));
  refused(place(~std::uint64_t{0}, 32));
  refused(place(~std::uint64_t{0} - 31, 32));
  refused([](onnx::TensorProto& proto) {
    proto.set_raw_offset(0);
    proto.set_raw_size(32);
  });
}

TEST_F(LeanStreams, DamageIsFoundAsInMemory) {
  const std::string bytes = small_cnn();
  for (std::size_t n = 0; n < bytes.size(); n += n < 1000 ? 7 : 997) (void)load(bytes.substr(0, n));
  Random random(11);
  for (int round = 0; round < 500; round++) {
    std::string damaged = bytes;
    for (int i = 0; i < 2; i++) {
      // Mostly in the structure, which is all but the large tensor.
      const std::int64_t at = random.below(static_cast<std::int64_t>(bytes.size()));
      damaged[static_cast<std::size_t>(at)] = static_cast<char>(random.next());
    }
    (void)load(damaged);
  }
}

TEST_F(LeanStreams, AFileThatIsWrittenToIsNotReadAgain) {
  ModelBuilder m;
  m.input("x", {kLarge}).output("y").initializer("w", random_tensor({kLarge}, 1));
  m.node("Add", {"x", "w"}, {"y"});
  const std::string bytes = m.serialized();
  for (const std::string& instead : {bytes, bytes.substr(0, 100)}) {
    const auto graph = load_graph(folder_.write_old("m.onnx", bytes));
    ASSERT_TRUE(graph) << graph.error().message;
    const Tensor before = constant(*graph, "w").released();
    EXPECT_EQ(before.as<float>()[0], random_tensor({1}, 1).as<float>()[0]);
    folder_.write("m.onnx", instead);
    const Tensor& after = constant(*graph, "w");
    EXPECT_EQ(after.as<float>()[0], 0);
    ASSERT_FALSE(after.status());
    EXPECT_EQ(after.status().error().message, "raw_data: the file was changed while it was in use");
    EXPECT_TRUE(before.status());
  }
}

}  // namespace
}  // namespace adze::testing
