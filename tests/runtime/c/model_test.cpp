#include "kernels/core/isa.h"
#include "tests/runtime/c/handles.h"
#include "tests/support/temp_folder.h"

namespace adze::testing {
namespace {

inference_port port_of(inference_status (*get)(const inference_model*, size_t, inference_port*),
                       const inference_model* model, size_t i) {
  inference_port port = {};
  port.struct_size = sizeof port;
  EXPECT_EQ(get(model, i, &port), INFERENCE_OK);
  return port;
}

TEST(CModelHandle, DescribesInputsAndOutputs) {
  const CModel model(small_cnn());
  ASSERT_EQ(model.status(), INFERENCE_OK) << inference_model_error(model);
  EXPECT_STREQ(inference_model_error(model), "");
  ASSERT_EQ(inference_model_input_count(model), 1u);
  ASSERT_EQ(inference_model_output_count(model), 2u);
  const inference_port x = port_of(inference_model_input, model, 0);
  EXPECT_STREQ(x.name, "x");
  EXPECT_EQ(x.type, INFERENCE_FLOAT);
  EXPECT_STREQ(inference_type_name(x.type), "float");
  EXPECT_EQ(inference_type_bytes(x.type), 4u);
  ASSERT_EQ(x.rank, 4);
  EXPECT_EQ(x.dims[0], -1);
  EXPECT_STREQ(x.symbols[0], "N");
  EXPECT_EQ(x.dims[3], 18);
  EXPECT_EQ(x.symbols[3], nullptr);
  EXPECT_STREQ(port_of(inference_model_output, model, 1).name, "features");
}

TEST(CModelHandle, RefusesPortsThatAreNotThere) {
  const CModel model(small_cnn());
  inference_port port = {};
  EXPECT_EQ(inference_model_input(model, 0, &port), INFERENCE_BAD_INPUT) << "without struct_size";
  port.struct_size = sizeof port;
  EXPECT_EQ(inference_model_input(model, 1, &port), INFERENCE_BAD_INPUT);
  EXPECT_EQ(inference_model_output(nullptr, 0, &port), INFERENCE_BAD_INPUT);
  EXPECT_EQ(inference_model_input(model, 0, nullptr), INFERENCE_BAD_INPUT);
}

// A program that was compiled when the structure ended after `type`.
TEST(CModelHandle, WritesNoMoreOfAPortThanTheCallerKnows) {
  const CModel model(small_cnn());
  inference_port port;
  std::memset(&port, 0x5a, sizeof port);
  port.struct_size = offsetof(inference_port, rank);
  ASSERT_EQ(inference_model_input(model, 0, &port), INFERENCE_OK);
  EXPECT_EQ(port.type, INFERENCE_FLOAT);
  EXPECT_EQ(port.rank, 0x5a5a5a5a);
  EXPECT_EQ(port.struct_size, offsetof(inference_port, rank));
}

TEST(CModelHandle, AFailureHasAHandleThatSaysWhy) {
  inference_model* model = nullptr;
  EXPECT_EQ(inference_model_open("/nowhere/model.onnx", nullptr, &model), INFERENCE_BAD_INPUT);
  ASSERT_NE(model, nullptr);
  EXPECT_NE(std::string(inference_model_error(model)).find("/nowhere/model.onnx"), std::string::npos);
  EXPECT_EQ(inference_model_input_count(model), 0u);
  inference_session* session = nullptr;
  EXPECT_EQ(inference_session_open(model, nullptr, &session), INFERENCE_BAD_INPUT);
  ASSERT_NE(session, nullptr);
  EXPECT_STRNE(inference_session_error(session), "");
  inference_tensor input = tensor({1});
  EXPECT_EQ(inference_session_prepare(session, &input, 1), INFERENCE_BAD_INPUT);
  EXPECT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_BAD_INPUT);
  inference_session_cancel(session);
  inference_session_close(session);
  inference_model_close(model);

  EXPECT_EQ(CModel("no model").status(), INFERENCE_INVALID_MODEL);
  EXPECT_EQ(CModel("").status(), INFERENCE_BAD_INPUT);
  ModelBuilder unknown;
  unknown.input("x", {1}).output("y").node("NoSuchOperator", {"x"}, {"y"});
  const CModel unsupported(unknown.serialized());
  EXPECT_EQ(unsupported.status(), INFERENCE_UNSUPPORTED);
  EXPECT_NE(std::string(inference_model_error(unsupported)).find("NoSuchOperator"), std::string::npos);
  EXPECT_EQ(inference_model_open("x", nullptr, nullptr), INFERENCE_BAD_INPUT);
  inference_model_close(nullptr);
  inference_session_close(nullptr);
}

TEST(CModelHandle, OptionsOfOtherVersions) {
  struct Newer {
    inference_model_options known;
    std::uint64_t added;
  } newer = {};
  newer.known.struct_size = sizeof newer;
  EXPECT_EQ(CModel(small_cnn(), &newer.known).status(), INFERENCE_OK);
  newer.added = 1;
  EXPECT_EQ(CModel(small_cnn(), &newer.known).status(), INFERENCE_BAD_INPUT);

  inference_model_options options = {};
  EXPECT_EQ(CModel(small_cnn(), &options).status(), INFERENCE_BAD_INPUT) << "without struct_size";
  options.struct_size = sizeof options;
  options.flags = INFERENCE_RAW | INFERENCE_NO_WINOGRAD;
  EXPECT_EQ(CModel(small_cnn(), &options).status(), INFERENCE_OK);
  options.flags = 1u << 31;
  EXPECT_EQ(CModel(small_cnn(), &options).status(), INFERENCE_BAD_INPUT);
  options.struct_size = offsetof(inference_model_options, flags);  // older: it knows no flags
  EXPECT_EQ(CModel(small_cnn(), &options).status(), INFERENCE_OK);
}

TEST(CModelHandle, TheMemoryLimitHolds) {
  inference_model_options options = {};
  options.struct_size = sizeof options;
  options.max_memory = 64 << 10;
  const CModel model(small_cnn(), &options);
  ASSERT_EQ(model.status(), INFERENCE_OK) << inference_model_error(model);
  const CSession session(model);
  inference_tensor input;
  EXPECT_EQ(inference_session_prepare_rows(session, 1, &input, 1), INFERENCE_RESOURCE_LIMIT) << session.error();
}

TEST(CModelHandle, AFileAndItsBytesAreTheSameModel) {
  const TempFolder folder;
  const std::string path = folder.write("sum.onnx", sum_model());
  inference_model* model = nullptr;
  ASSERT_EQ(inference_model_open(path.c_str(), nullptr, &model), INFERENCE_OK) << inference_model_error(model);
  const CSession session(model);
  inference_model_close(model);  // the session keeps what it needs
  inference_tensor in, out;
  ASSERT_EQ(inference_session_prepare_rows(session, 2, &in, 1), INFERENCE_OK) << session.error();
  for (int i = 0; i < 10; i++) static_cast<float*>(in.data)[i] = static_cast<float>(i);
  ASSERT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session.error();
  ASSERT_EQ(inference_session_output(session, 0, &out), INFERENCE_OK);
  EXPECT_EQ(floats(out), (std::vector<float>{10, 35}));
}

TEST(CLibrary, TellsWhatItIs) {
  EXPECT_EQ(inference_abi_version(), INFERENCE_ABI_VERSION);
  EXPECT_STREQ(inference_version(), ADZE_VERSION);
  EXPECT_EQ(active_isa(), parse_isa(inference_isa()));
  EXPECT_STREQ(inference_status_name(INFERENCE_TIMED_OUT), "timed out");
  EXPECT_STREQ(inference_status_name(-1), "unknown");
  EXPECT_STREQ(inference_type_name(-1), "undefined");
  EXPECT_STREQ(inference_type_name(1 << 8 | INFERENCE_FLOAT), "undefined");
  EXPECT_EQ(inference_type_bytes(INFERENCE_BFLOAT16), 2u);
}

TEST(CLibrary, BuffersAreAlignedAndZero) {
  for (const size_t bytes : {0u, 1u, 64u, 1000u}) {
    auto* buffer = static_cast<unsigned char*>(inference_buffer_new(bytes));
    ASSERT_NE(buffer, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer) % 64, 0u);
    for (size_t i = 0; i < bytes; i++) EXPECT_EQ(buffer[i], 0);
    inference_buffer_free(buffer);
  }
  EXPECT_EQ(inference_buffer_new(SIZE_MAX), nullptr);
  inference_buffer_free(nullptr);
}

}  // namespace
}  // namespace adze::testing
