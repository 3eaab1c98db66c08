// Behaviours 17 to 19: constants and initializers in every form, and external data.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/graph_runner.h"
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

namespace fs = std::filesystem;
using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;

// ---- 17 -------------------------------------------------------------------------------------------------------------

onnx::SparseTensorProto sparse(Ints dims, Floats held, Ints places, Ints places_shape) {
  onnx::SparseTensorProto proto;
  for (const std::int64_t dim : dims) proto.add_dims(dim);
  const auto count = static_cast<std::int64_t>(held.size());
  *proto.mutable_values() = to_proto(tensor({count}, held), "w");
  *proto.mutable_indices() = to_proto(ints(places).reshaped(Shape(places_shape)), "");
  return proto;
}

// y = x + the constant that `make` sets.
template <class Make>
ModelBuilder with_constant(const Make& make) {
  ModelBuilder m;
  m.input("x", {-1}).output("y");
  make(*m.node("Constant", {}, {"c"}).add_attribute());
  m.node("Add", {"x", "c"}, {"y"});
  return m;
}
using Attr = onnx::AttributeProto;

TEST(Behaviour17, ConstantHoldsFloatsDenseSparseOrListed) {
  const Tensor x = tensor({3}, {10, 20, 30});
  const auto plus = [&](const ModelBuilder& m) { return values<float>(run_model(m, {x})[0]); };
  EXPECT_EQ(plus(with_constant([](Attr& a) {
              a.set_name("value");
              a.set_type(Attr::TENSOR);
              *a.mutable_t() = to_proto(tensor({3}, {1, 2, 3}), "");
            })),
            (Floats{11, 22, 33}));
  EXPECT_EQ(plus(with_constant([](Attr& a) {
              a.set_name("sparse_value");
              a.set_type(Attr::SPARSE_TENSOR);
              *a.mutable_sparse_tensor() = sparse({3}, {5, 6}, {0, 2}, {2});
            })),
            (Floats{15, 20, 36}));
  EXPECT_EQ(plus(with_constant([](Attr& a) {
              a.set_name("value_float");
              a.set_type(Attr::FLOAT);
              a.set_f(0.5f);
            })),
            (Floats{10.5f, 20.5f, 30.5f}));
  EXPECT_EQ(plus(with_constant([](Attr& a) {
              a.set_name("value_floats");
              a.set_type(Attr::FLOATS);
              for (const float v : {1.0f, 2.0f, 3.0f}) a.add_floats(v);
            })),
            (Floats{11, 22, 33}));
}

TEST(Behaviour17, ConstantHoldsIntegersAndSaysThatItHoldsNoStrings) {
  const std::int64_t seven = 7;
  const Tensor one = run_op("Constant", 13, {{"value_int", seven}}, {});
  EXPECT_EQ(one.shape(), Shape{});
  EXPECT_EQ(values<std::int64_t>(one), (Ints{7}));
  EXPECT_EQ(run_op("Constant", 13, {{"value_ints", Ints{}}}, {}).shape(), Shape{0});
  for (const auto& [name, value] :
       AttributeList{{"value_string", std::string("x")}, {"value_strings", std::vector<std::string>{"x"}}}) {
    const auto refused = try_op("Constant", 13, {{name, value}}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unsupported);
  }
  EXPECT_FALSE(try_op("Constant", 13, {}, {}));
  EXPECT_FALSE(try_op("Constant", 13, {{"value_int", seven}, {"value_float", 1.0f}}, {}));
}

TEST(Behaviour17, SparseIndicesAreLinearOrPerAxisAndChecked) {
  const auto load = [](const onnx::SparseTensorProto& proto) {
    ModelBuilder m;
    m.output("y");
    m.node("Identity", {"w"}, {"y"});
    *m.proto().mutable_graph()->add_sparse_initializer() = proto;
    return try_model(m, {});
  };
  expect_values((*load(sparse({2, 3}, {7, 8}, {1, 5}, {2})))[0], {2, 3}, {0, 7, 0, 0, 0, 8});
  expect_values((*load(sparse({2, 3}, {7, 8}, {0, 1, 1, 2}, {2, 2})))[0], {2, 3}, {0, 7, 0, 0, 0, 8});
  expect_values((*load(sparse({2}, {}, {}, {0})))[0], {2}, {0, 0});
  EXPECT_FALSE(load(sparse({2, 3}, {7}, {6}, {1})));
  EXPECT_FALSE(load(sparse({2, 3}, {7}, {-1}, {1})));
  EXPECT_FALSE(load(sparse({2, 3}, {7}, {0, 3}, {1, 2})));
  EXPECT_FALSE(load(sparse({2, 3}, {7, 8}, {3, 3}, {2}))) << "the same place twice";
  EXPECT_FALSE(load(sparse({2, 3}, {7, 8}, {3, 1}, {2}))) << "out of order";
  EXPECT_FALSE(load(sparse({2, 3}, {7, 8}, {3}, {1}))) << "too few";
  EXPECT_FALSE(load(sparse({-2, 3}, {7}, {0}, {1})));
  const auto bomb = load(sparse({1 << 20, 1 << 20}, {7}, {0}, {1}));
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, Code::resource_limit) << bomb.error().message;
}

TEST(Behaviour17, ConstantOfShapeIsAFloatZeroUnlessToldOtherwise) {
  expect_values(run_op("ConstantOfShape", 9, {}, {ints({2})}), {2}, {0, 0});
  expect_values(run_op("ConstantOfShape", 9, {}, {ints({})}), {}, {0});
  EXPECT_EQ(run_op("ConstantOfShape", 9, {}, {ints({0, 3})}).shape(), (Shape{0, 3}));
  EXPECT_EQ(
      values<bool>(run_op("ConstantOfShape", 9, {{"value", Attribute(tensor_of<bool>({1}, {true}))}}, {ints({2})})),
      (std::vector<bool>{true, true}));
  EXPECT_FALSE(try_op("ConstantOfShape", 9, {{"value", Attribute(tensor({2}, {1, 2}))}}, {ints({2})}));
}

// ---- 18 -------------------------------------------------------------------------------------------------------------

TEST(Behaviour18, AnInitializerThatIsAnInputTooIsNotAskedFor) {
  ModelBuilder m;
  m.proto().set_ir_version(3);
  m.input("w", {2}).input("x", {2}).output("y");
  m.initializer("w", tensor({2}, {3, 4}));
  m.node("Mul", {"x", "w"}, {"y"});
  const auto graph = try_parse(m);
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->inputs.size(), 1u);
  EXPECT_EQ((*graph)[graph->inputs[0].value].name, "x");
  expect_values(run_model(m, {tensor({2}, {1, 2})})[0], {2}, {3, 8});
}

TEST(Behaviour18, IdentityChainsShareOneInitializer) {
  ModelBuilder m;
  m.input("x", {2}).output("y").output("again");
  m.initializer("w", tensor({2}, {3, 4}));
  m.node("Identity", {"w"}, {"w1"});
  m.node("Identity", {"w1"}, {"w2"});
  m.node("Mul", {"x", "w2"}, {"t"});
  m.node("Add", {"t", "w1"}, {"y"});
  m.node("Identity", {"w"}, {"again"});
  auto graph = try_parse(m);
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_TRUE(fold_constants(*graph, 1 << 20));
  EXPECT_EQ(graph->nodes.size(), 2u);
  const auto results = interpret(*graph, std::vector<Tensor>{tensor({2}, {1, 2})});
  ASSERT_TRUE(results) << results.error().message;
  expect_values((*results)[0], {2}, {6, 12});
  expect_values((*results)[1], {2}, {3, 4});
}

TEST(Behaviour18, NamesThatAreDefinedTwiceAreRefused) {
  const auto refused = [](auto change) {
    ModelBuilder m;
    m.input("x", {2}).output("y").initializer("w", tensor({2}, {3, 4}));
    m.node("Mul", {"x", "w"}, {"y"});
    change(m);
    expect_model_refused(m, Code::invalid_model, "twice");
  };
  refused([](ModelBuilder& m) { m.initializer("w", tensor({2}, {5, 6})); });
  refused([](ModelBuilder& m) { m.node("Neg", {"x"}, {"y"}); });
  refused([](ModelBuilder& m) { m.node("Neg", {"x"}, {"w"}); });
  refused([](ModelBuilder& m) { m.node("Neg", {"y"}, {"x"}); });
  refused([](ModelBuilder& m) { m.input("x", {2}); });
  refused([](ModelBuilder& m) { m.node("Split", {"x"}, {"a", "a"}); });
}

TEST(Behaviour18, RawDataIsLittleEndianWhateverItsWidth) {
  const auto raw = [](DType type, std::string bytes) {
    onnx::TensorProto proto;
    proto.set_data_type(static_cast<int>(type));
    proto.add_dims(1);
    proto.set_raw_data(std::move(bytes));
    auto loaded = to_tensor(proto, {});
    EXPECT_TRUE(loaded);
    return *loaded;
  };
  EXPECT_EQ(values<std::int16_t>(raw(DType::i16, std::string("\x02\x01", 2)))[0], 0x0102);
  EXPECT_EQ(values<std::int32_t>(raw(DType::i32, std::string("\x04\x03\x02\x01", 4)))[0], 0x01020304);
  EXPECT_EQ(values<std::int64_t>(raw(DType::i64, std::string("\x08\x07\x06\x05\x04\x03\x02\x01", 8)))[0],
            0x0102030405060708);
  EXPECT_EQ(values<float>(raw(DType::f32, std::string("\x00\x00\x80\x3f", 4)))[0], 1);
  EXPECT_EQ(values<double>(raw(DType::f64, std::string("\x00\x00\x00\x00\x00\x00\xf0\x3f", 8)))[0], 1);
  EXPECT_EQ(static_cast<float>(raw(DType::f16, std::string("\x00\x3c", 2)).as<Float16>()[0]), 1);
}

TEST(Behaviour18, FieldsOfAnotherTypeDontCount) {
  onnx::TensorProto proto;
  proto.set_data_type(static_cast<int>(DType::f16));
  proto.add_dims(1);
  proto.add_float_data(1);  // half is kept as bits in int32_data
  EXPECT_FALSE(to_tensor(proto, {}));
  proto.add_int32_data(0x4000);
  const auto loaded = to_tensor(proto, {});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(static_cast<float>(loaded->as<Float16>()[0]), 2);
}

// ---- 19 -------------------------------------------------------------------------------------------------------------

class Behaviour19 : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("adze-behaviour19-" + std::to_string(getpid()));
    fs::create_directories(root_ / "model/weights");
    fs::create_directories(root_ / "elsewhere");
    const float held[] = {1, 2, 3, 4};
    for (const char* path : {"model/weights/w.data", "elsewhere/w.data"}) {
      std::ofstream file(root_ / path, std::ios::binary);
      file << "abc";  // so that no offset is aligned to anything
      file.write(reinterpret_cast<const char*>(held), sizeof held);
    }
  }
  void TearDown() override { fs::remove_all(root_); }

  Result<Graph> load(const std::string& location, std::vector<std::pair<std::string, std::string>> entries) {
    ModelBuilder m;
    m.input("x", {2}).output("y");
    m.node("Mul", {"x", "w"}, {"y"});
    auto* proto = m.proto().mutable_graph()->add_initializer();
    proto->set_name("w");
    proto->set_data_type(1);
    proto->add_dims(2);
    proto->set_data_location(1);
    entries.emplace_back("location", location);
    for (const auto& [key, value] : entries) {
      auto* entry = proto->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    std::ofstream(root_ / "model/m.onnx", std::ios::binary) << m.serialized();
    return load_graph((root_ / "model/m.onnx").string());
  }

  fs::path root_;
};

TEST_F(Behaviour19, TheOffsetNeedsNoAlignmentAndTheLengthMayBeAbsent) {
  for (const auto& entries : std::vector<std::vector<std::pair<std::string, std::string>>>{
           {{"offset", "7"}},
           {{"offset", "7"}, {"length", "8"}},
           {{"length", "8"}, {"offset", "7"}, {"checksum", "x"}}}) {
    const auto graph = load("weights/w.data", entries);
    ASSERT_TRUE(graph) << graph.error().message;
    const auto y = interpret(*graph, std::vector<Tensor>{tensor({2}, {1, 1})});
    ASSERT_TRUE(y) << y.error().message;
    expect_values((*y)[0], {2}, {2, 3});
  }
}

TEST_F(Behaviour19, NothingOutsideTheModelsFolderIsRead) {
  fs::create_symlink("../../elsewhere/w.data", root_ / "model/weights/out");
  fs::create_directory_symlink("../elsewhere", root_ / "model/door");
  fs::create_symlink("w.data", root_ / "model/weights/in");
  for (const std::string& location :
       {std::string("../elsewhere/w.data"), std::string("weights/../../elsewhere/w.data"),
        (root_ / "elsewhere/w.data").string(), std::string("weights/out"), std::string("door/w.data"),
        std::string("./../elsewhere/w.data"), std::string("weights"), std::string("weights/none"),
        std::string("weights\\w.data")}) {
    const auto graph = load(location, {{"offset", "3"}});
    ASSERT_FALSE(graph) << location;
    EXPECT_NE(graph.error().message.find("\"w\""), std::string::npos) << graph.error().message;
  }
}

TEST_F(Behaviour19, AHardLinkIsAFileOfTheFolderAndADeviceIsNone) {
  fs::create_hard_link(root_ / "elsewhere/w.data", root_ / "model/weights/hard");
  // What a link of that kind leads to can't be told from the file itself; package managers make them of whole trees.
  const auto graph = load("weights/hard", {{"offset", "3"}});
  ASSERT_TRUE(graph) << graph.error().message;
  const auto y = interpret(*graph, std::vector<Tensor>{tensor({2}, {1, 1})});
  ASSERT_TRUE(y);
  expect_values((*y)[0], {2}, {1, 2});
  ASSERT_EQ(mkfifo((root_ / "model/weights/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(load("weights/pipe", {}));
}

TEST_F(Behaviour19, RangesThatExceedTheFileOrTheTensorAreRefused) {
  for (const auto& entries :
       std::vector<std::vector<std::pair<std::string, std::string>>>{{{"offset", "12"}},
                                                                     {{"offset", "-1"}},
                                                                     {{"offset", "0x3"}},
                                                                     {{"offset", "18446744073709551612"}},
                                                                     {{"offset", "99999999999999999999999"}},
                                                                     {{"length", "4"}},
                                                                     {{"length", "16"}},
                                                                     {{"size", "8"}}}) {
    EXPECT_FALSE(load("weights/w.data", entries)) << entries[0].first << ' ' << entries[0].second;
  }
}

}  // namespace
}  // namespace adze::testing
