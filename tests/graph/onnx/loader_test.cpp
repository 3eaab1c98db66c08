#include "graph/onnx/loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "graph/onnx/tensor_file.h"
#include "graph/op.h"
#include "tests/support/model_builder.h"
#include "tests/support/small_cnn.h"

namespace adze::testing {
namespace {

namespace fs = std::filesystem;

ModelBuilder relu_model() {
  ModelBuilder m;
  m.input("x", {2}).output("y");
  m.node("Relu", {"x"}, {"y"}).set_name("act");
  return m;
}

void expect_refused(const std::string& bytes, Code code, const std::string& part) {
  const auto graph = parse_graph(bytes_of(bytes), "m.onnx");
  ASSERT_FALSE(graph) << "expected: " << part;
  EXPECT_EQ(graph.error().code, code) << graph.error().message;
  EXPECT_NE(graph.error().message.find(part), std::string::npos) << graph.error().message;
  EXPECT_TRUE(graph.error().message.starts_with("m.onnx: ")) << graph.error().message;
  EXPECT_EQ(graph.error().message.find('\n'), std::string::npos);
}

TEST(Loader, TakesAWholeFloatForAnInteger) {
  for (const float p : {1.0f, 1.5f}) {
    ModelBuilder m(1);
    m.input("x", {1, 1, 2}).output("y");
    set_real(m.node("GlobalLpPool", {"x"}, {"y"}), "p", p);
    const std::string bytes = m.serialized();
    const auto graph = parse_graph(bytes_of(bytes), "m");
    ASSERT_EQ(graph.has_value(), p == 1.0f);
    if (graph) {
      EXPECT_EQ(graph->nodes[0].attributes.integer("p", 2), 1);
    }
  }
}

TEST(Loader, ReadsASmallModel) {
  const std::string bytes = small_cnn();
  const auto graph = parse_graph(bytes_of(bytes), "m.onnx");
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->inputs.size(), 1u);  // initializers are no inputs
  EXPECT_EQ((*graph->inputs[0].dims)[0].symbol, "N");
  EXPECT_EQ(graph->outputs.size(), 2u);
  EXPECT_EQ(graph->outputs[0].type, DType::f32);
}

TEST(Loader, AnOperatorSetMayBeNamedTwice) {
  ModelBuilder m = relu_model();
  *m.proto().add_opset_import() = m.proto().opset_import(0);
  const std::string bytes = m.serialized();
  EXPECT_TRUE(parse_graph(bytes_of(bytes), "m.onnx"));
}

TEST(Loader, WellFormedButWrongModels) {
  const auto broken = [](auto change, Code code, const std::string& part) {
    ModelBuilder m = relu_model();
    change(m.proto());
    expect_refused(m.serialized(), code, part);
  };
  using Proto = onnx::ModelProto;
  expect_refused("", Code::invalid_model, "empty");
  expect_refused("hello, world", Code::invalid_model, "not an ONNX model");
  broken([](Proto& m) { m.clear_graph(); }, Code::invalid_model, "no graph");
  broken([](Proto& m) { m.set_ir_version(2); }, Code::invalid_model, "IR version 2");
  broken([](Proto& m) { m.set_ir_version(99); }, Code::unsupported, "IR version 99");
  broken([](Proto& m) { m.clear_opset_import(); }, Code::invalid_model, "no operator set");
  broken([](Proto& m) { m.mutable_opset_import(0)->set_version(29); }, Code::unsupported, "version 29");
  broken([](Proto& m) { m.mutable_opset_import(0)->set_version(0); }, Code::invalid_model, "version 0");
  broken(
      [](Proto& m) {
        *m.add_opset_import() = m.opset_import(0);
        m.mutable_opset_import(1)->set_version(m.opset_import(0).version() - 1);
      },
      Code::invalid_model, "in two versions");
  broken([](Proto& m) { m.mutable_graph()->clear_output(); }, Code::invalid_model, "no output");
  broken([](Proto& m) { m.mutable_graph()->mutable_output(0)->set_name("z"); }, Code::invalid_model, "output \"z\"");
  broken(
      [](Proto& m) { m.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(7); },
      Code::invalid_model, "declared int64");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "q"); }, Code::invalid_model,
         "input \"q\" is not defined");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "y"); }, Code::invalid_model, "cycle");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, ""); }, Code::invalid_model,
         "input 0 is required");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->clear_input(); }, Code::invalid_model,
         "has 0 inputs, not 1");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->add_output("z"); }, Code::invalid_model,
         "has 2 outputs, not 1");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->set_output(0, "x"); }, Code::invalid_model,
         "\"x\" is defined twice");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->set_op_type("Rleu"); }, Code::unsupported,
         "\"act\" (Rleu)");
  broken([](Proto& m) { m.mutable_graph()->mutable_node(0)->set_domain("com.example"); }, Code::unsupported,
         "com.example");
  broken([](Proto& m) { m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(8); },
         Code::unsupported, "element type 8");
  broken([](Proto& m) { m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type(); },
         Code::unsupported, "not a dense tensor");
  broken([](Proto& m) { m.mutable_graph()->mutable_input(0)->set_name(""); }, Code::invalid_model, "without a name");
  broken([](Proto& m) { *m.mutable_graph()->add_input() = m.graph().input(0); }, Code::invalid_model, "appears twice");
  broken([](Proto& m) { m.mutable_graph()->mutable_input(0)->set_name(std::string(5000, 'n')); }, Code::resource_limit,
         "longer than");
  broken(
      [](Proto& m) {
        for (int i = 0; i < 9; i++)
          m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim();
      },
      Code::unsupported, "rank 10");
}

TEST(Loader, Attributes) {
  const auto conv = [](auto change, Code code, const std::string& part) {
    ModelBuilder m;
    m.input("x", {1, 1, 4, 4}).output("y").initializer("w", random_tensor({1, 1, 1, 1}, 1));
    auto& node = m.node("Conv", {"x", "w"}, {"y"});
    node.set_name("c");
    change(node);
    expect_refused(m.serialized(), code, part);
  };
  conv([](auto& n) { set(n, "group", std::int64_t{0}); }, Code::invalid_model, "attribute \"group\": is 0");
  conv([](auto& n) { set(n, "group", {1}); }, Code::invalid_model, "integers, not an integer");
  conv([](auto& n) { set(n, "strides", {1, 0}); }, Code::invalid_model, "\"strides\"");
  conv(
      [](auto& n) {
        set(n, "strides", {1, std::numeric_limits<std::int64_t>::max()});
      },
      Code::invalid_model, "\"strides\"");
  conv([](auto& n) { set(n, "dilations", {-1, 1}); }, Code::invalid_model, "\"dilations\"");
  conv([](auto& n) { set(n, "color", std::int64_t{1}); }, Code::unsupported, "attribute \"color\": is not known");
  conv(
      [](auto& n) {
        set(n, "group", std::int64_t{1});
        set(n, "group", std::int64_t{1});
      },
      Code::invalid_model, "appears twice");
}

TEST(Loader, EverythingUnsupportedIsListedAtOnce) {
  ModelBuilder m;
  m.input("x", {2}).output("y");
  m.node("Foo", {"x"}, {"a"}).set_name("first");
  m.node("Relu", {"a"}, {"b"});
  m.node("Bar", {"b"}, {"y"}).set_name("second");
  const auto graph = parse_graph(bytes_of(m.serialized()), "m.onnx");
  ASSERT_FALSE(graph);
  for (const char* part : {"2 parts", "\"first\" (Foo)", "\"second\" (Bar)"}) {
    EXPECT_NE(graph.error().message.find(part), std::string::npos) << graph.error().message;
  }
}

TEST(Loader, TypeNumbersBeyondTheMaskAreNoTypes) {
  EXPECT_EQ(mask_of(static_cast<DType>(33)), 0u);  // not that of 33 - 32
  ModelBuilder m = relu_model();
  m.proto().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(33);
  expect_refused(m.serialized(), Code::unsupported, "element type 33");
}

TEST(Loader, NodesInAnyOrderAreSorted) {
  ModelBuilder m;
  m.input("x", {2}).output("z");
  m.node("Neg", {"y"}, {"z"});
  m.node("Relu", {"x"}, {"y"});
  const auto graph = parse_graph(bytes_of(m.serialized()), "m.onnx");
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->nodes[0].op->name, "Relu");
}

TEST(Loader, FirstOutputThatNobodyReadsIsComputedAllTheSame) {
  ModelBuilder m;
  m.input("x", {1, 1, 4}).output("indices", {1, 1, 3}, DType::i64);
  auto* attribute = m.node("MaxPool", {"x"}, {"", "indices"}).add_attribute();
  attribute->set_name("kernel_shape");
  attribute->set_type(onnx::AttributeProto::INTS);
  attribute->add_ints(2);
  const auto graph = parse_graph(bytes_of(m.serialized()), "m.onnx");
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_NE(graph->nodes[0].outputs[0], kNoValue);
  EXPECT_EQ((*graph)[graph->nodes[0].outputs[0]].type, DType::f32);
}

TEST(Loader, NamesAreShownWithoutControlCharacters) {
  ModelBuilder m = relu_model();
  m.proto().mutable_graph()->mutable_node(0)->set_op_type("X\n\x1b[31m");
  expect_refused(m.serialized(), Code::unsupported, "X\\x0a\\x1b[31m");
}

// ---- tensors --------------------------------------------------------------------------------------------------------

Result<Tensor> load_tensor(onnx::TensorProto proto, const TensorFiles& files = {}) { return to_tensor(proto, files); }

onnx::TensorProto tensor_proto(DType type, std::vector<std::int64_t> dims) {
  onnx::TensorProto proto;
  proto.set_data_type(static_cast<int>(type));
  for (const std::int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

TEST(TensorProto, EveryStorageForm) {
  auto f32 = tensor_proto(DType::f32, {2});
  f32.add_float_data(1.5f);
  f32.add_float_data(-2);
  EXPECT_EQ(load_tensor(f32)->as<float>()[1], -2);
  auto f16 = tensor_proto(DType::f16, {2});  // bit patterns in int32_data
  f16.add_int32_data(0x3c00);
  f16.add_int32_data(0xc000);
  EXPECT_EQ(static_cast<float>(load_tensor(f16)->as<Float16>()[0]), 1);
  EXPECT_EQ(static_cast<float>(load_tensor(f16)->as<Float16>()[1]), -2);
  auto bf16 = tensor_proto(DType::bf16, {1});
  bf16.add_int32_data(0x3fc0);
  EXPECT_EQ(static_cast<float>(load_tensor(bf16)->as<BFloat16>()[0]), 1.5f);
  auto i8 = tensor_proto(DType::i8, {1});
  i8.add_int32_data(-5);
  EXPECT_EQ(load_tensor(i8)->as<std::int8_t>()[0], -5);
  auto boolean = tensor_proto(DType::boolean, {2});
  boolean.add_int32_data(0);
  boolean.add_int32_data(7);
  EXPECT_TRUE(load_tensor(boolean)->as<bool>()[1]);
  auto i64 = tensor_proto(DType::i64, {1});
  i64.add_int64_data(-9);
  EXPECT_EQ(load_tensor(i64)->as<std::int64_t>()[0], -9);
  auto u32 = tensor_proto(DType::u32, {1});
  u32.add_uint64_data(4000000000u);
  EXPECT_EQ(load_tensor(u32)->as<std::uint32_t>()[0], 4000000000u);
  auto f64 = tensor_proto(DType::f64, {});
  f64.add_double_data(0.25);
  EXPECT_EQ(load_tensor(f64)->as<double>()[0], 0.25);
  auto raw = tensor_proto(DType::u16, {2});
  raw.set_raw_data(std::string("\x01\x00\x02\x00", 4));
  EXPECT_EQ(load_tensor(raw)->as<std::uint16_t>()[1], 2);
  auto raw_bool = tensor_proto(DType::boolean, {1});
  raw_bool.set_raw_data("\x05");
  EXPECT_TRUE(load_tensor(raw_bool)->as<bool>()[0]);
}

// Two of four bits to a byte, whether the bytes are raw or entries of a field.
TEST(TensorProto, PackedElements) {
  const auto values = [](const Result<Tensor>& tensor) {
    std::vector<int> result;
    if (!tensor) return result;
    for (std::size_t i = 0; i < tensor->bytes(); i++) result.push_back(static_cast<std::int8_t>(tensor->raw()[i]));
    return result;
  };
  auto raw = tensor_proto(DType::i4, {3});
  raw.set_raw_data("\xe1\x03");
  EXPECT_EQ(values(load_tensor(raw)), (std::vector<int>{1, -2, 3}));
  auto field = tensor_proto(DType::i4, {3});
  field.add_int32_data(0xe1);
  field.add_int32_data(3);
  EXPECT_EQ(values(load_tensor(field)), (std::vector<int>{1, -2, 3}));
  auto quarter = tensor_proto(DType::u2, {5});
  quarter.set_raw_data("\xe4\x02");
  EXPECT_EQ(values(load_tensor(quarter)), (std::vector<int>{0, 1, 2, 3, 2}));
  auto again = to_proto(*load_tensor(quarter), "x");
  EXPECT_EQ(again.raw_data(), "\xe4\x02");
  auto whole = tensor_proto(DType::f8e4m3fn, {2});
  whole.add_int32_data(56);
  whole.add_int32_data(192);
  EXPECT_EQ(values(load_tensor(whole)), (std::vector<int>{56, -64}));
  EXPECT_EQ(values(load_tensor(tensor_proto(DType::i4, {0}))), std::vector<int>());
}

TEST(TensorProto, SizesThatLie) {
  const auto refused = [](const onnx::TensorProto& proto, const std::string& part) {
    const auto tensor = load_tensor(proto);
    ASSERT_FALSE(tensor);
    EXPECT_NE(tensor.error().message.find(part), std::string::npos) << tensor.error().message;
  };
  auto short_raw = tensor_proto(DType::f32, {2});
  short_raw.set_raw_data("1234");
  refused(short_raw, "raw_data has 4 bytes");
  auto few = tensor_proto(DType::f32, {3});
  few.add_float_data(1);
  refused(few, "holds 1 elements");
  refused(tensor_proto(DType::f32, {-1}), "negative");
  refused(tensor_proto(DType::f32, {std::int64_t{1} << 62, 4}), "too large");
  refused(tensor_proto(DType::f32, {std::int64_t{1} << 40, std::int64_t{1} << 40}), "too large");
  auto unpacked = tensor_proto(DType::i4, {4});
  unpacked.set_raw_data("1234");
  refused(unpacked, "raw_data has 4 bytes");
  refused(tensor_proto(DType::f4e2m1, {std::int64_t{1} << 62}), "holds 0 elements");
  refused(tensor_proto(DType::string, {1}), "element type 8 (string)");
  refused(tensor_proto(static_cast<DType>(14), {1}), "element type 14 (complex64)");
  refused(tensor_proto(static_cast<DType>(0), {1}), "element type 0");
  refused(tensor_proto(static_cast<DType>(77), {1}), "element type 77");
  refused(tensor_proto(DType::f32, {1, 1, 1, 1, 1, 1, 1, 1, 1}), "rank 9");
}

class ExternalData : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("adze-" + std::to_string(getpid()));
    fs::create_directories(root_ / "model/sub");
    std::ofstream(root_ / "model/data.bin", std::ios::binary) << "0123456789abcdef";
    std::ofstream(root_ / "model/sub/deep.bin", std::ios::binary) << "89ab";
    std::ofstream(root_ / "secret.bin", std::ios::binary) << "secret!!";
    fs::create_symlink(root_ / "secret.bin", root_ / "model/link.bin");
    fs::create_directory_symlink(root_, root_ / "model/up");
    mkfifo((root_ / "model/fifo").c_str(), 0600);
  }
  void TearDown() override { fs::remove_all(root_); }

  Result<Tensor> load(const std::string& location, const std::string& offset = {}, const std::string& length = {}) {
    auto proto = tensor_proto(DType::u8, {4});
    proto.set_data_location(1);
    const auto entry = [&](const char* key, const std::string& value) {
      auto* added = proto.add_external_data();
      added->set_key(key);
      added->set_value(value);
    };
    entry("location", location);
    if (!offset.empty()) entry("offset", offset);
    if (!length.empty()) entry("length", length);
    return load_tensor(proto, TensorFiles((root_ / "model").string()));
  }

  fs::path root_;
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
  const auto whole = load("data.bin");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->as<std::uint8_t>()[0], '0');
  EXPECT_EQ(load("data.bin", "10", "4")->as<std::uint8_t>()[0], 'a');
  EXPECT_EQ(load("sub/deep.bin")->as<std::uint8_t>()[3], 'b');
}

TEST_F(ExternalData, LeadsNowhereElse) {
  for (const std::string location :
       {"", "/etc/passwd", "../secret.bin", "sub/../../secret.bin", "sub/../data.bin", "link.bin", "up/secret.bin",
        "sub//deep.bin", "sub", "fifo", "missing.bin", "a\\b", "."}) {
    EXPECT_FALSE(load(location)) << location;
  }
  EXPECT_FALSE(load(std::string("data.bin\0x", 10)));
}

TEST_F(ExternalData, RangesAreChecked) {
  for (const auto& [offset, length] : std::vector<std::pair<std::string, std::string>>{{"13", "4"},
                                                                                       {"18446744073709551615", "4"},
                                                                                       {"18446744073709551614", "4"},
                                                                                       {"-1", "4"},
                                                                                       {"0", "5"},
                                                                                       {"0", "1000000000000000"},
                                                                                       {"x", "4"},
                                                                                       {" 1", "4"}}) {
    EXPECT_FALSE(load("data.bin", offset, length)) << offset << ' ' << length;
  }
}

TEST_F(ExternalData, IsRefusedForAModelInMemory) {
  ModelBuilder m = relu_model();
  auto* proto = m.proto().mutable_graph()->add_initializer();
  *proto = tensor_proto(DType::f32, {1});
  proto->set_name("w");
  proto->set_data_location(1);
  expect_refused(m.serialized(), Code::unsupported, "in memory");
}

// ---- damage ---------------------------------------------------------------------------------------------------------

TEST(Loader, EveryTruncationIsAnErrorOrAModel) {
  const std::string bytes = small_cnn();
  for (std::size_t n = 0; n < bytes.size(); n += n < 2000 ? 1 : 97) {
    const auto graph = parse_graph({reinterpret_cast<const std::byte*>(bytes.data()), n}, "m.onnx");
    EXPECT_TRUE(graph || !graph.error().message.empty());
  }
}

TEST(Loader, FlippedBitsNeverCrash) {
  std::string bytes = relu_model().serialized();
  const std::string cnn = small_cnn();
  for (std::size_t i = 0; i < bytes.size(); i++) {
    for (int bit = 0; bit < 8; bit++) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      (void)parse_graph(bytes_of(bytes), "m.onnx");
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
  }
  Random random(7);
  for (int round = 0; round < 3000; round++) {
    std::string damaged = cnn;
    for (int i = 0; i < 3; i++)
      damaged[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(damaged.size())))] =
          static_cast<char>(random.next());
    (void)parse_graph(bytes_of(damaged), "m.onnx");
  }
}

TEST(LoadGraph, FilesThatCantBeRead) {
  for (const std::string path : {"/nonexistent/model.onnx", "/", "/dev/null"}) {
    const auto graph = load_graph(path);
    ASSERT_FALSE(graph) << path;
    EXPECT_TRUE(graph.error().message.starts_with(path)) << graph.error().message;
  }
}

}  // namespace
}  // namespace adze::testing
