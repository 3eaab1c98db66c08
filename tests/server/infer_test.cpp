// POST /v2/models/M/infer with JSON tensors.
#include "tests/support/infer_client.h"

namespace adze::server {
namespace {

class InferTest : public ServerTest {
 protected:
  void serve(const std::string& path) {
    start([&](ServeOptions& options) { options.service.models = {{"m", path}}; });
  }
  std::string infer(const std::string& json) { return ask(post("/v2/models/m/infer", json)); }
};

std::string tensor(const std::string& name, const std::string& type, const std::string& shape,
                   const std::string& data) {
  return "{\"name\":\"" + name + "\",\"datatype\":\"" + type + "\",\"shape\":" + shape + ",\"data\":" + data + "}";
}
std::string inputs(const std::string& list, const std::string& more = {}) {
  return "{\"inputs\":[" + list + "]" + more + "}";
}

TEST_F(InferTest, EveryTypePassesThrough) {
  serve(pass_through(kServedTypes));
  std::string list;
  std::vector<std::string> expected;
  const auto add = [&](const std::string& type, const std::string& data) {
    list += (list.empty() ? "" : ",") + tensor("x_" + type, type, "[1,2]", "[" + data + "]");
    expected.push_back("{\"name\":\"y_" + type + "\",\"datatype\":\"" + type + "\",\"shape\":[1,2],\"data\":[" + data +
                       "]}");
  };
  add("BOOL", "true,false");
  add("INT8", "-128,127");
  add("INT16", "-32768,32767");
  add("INT32", "-2147483648,2147483647");
  add("INT64", "-9223372036854775808,9223372036854775807");
  add("UINT8", "0,255");
  add("UINT16", "0,65535");
  add("UINT32", "0,4294967295");
  add("UINT64", "0,18446744073709551615");
  add("FP16", "-65504,0.5");
  add("BF16", "-1.5,256");
  add("FP32", "0.1,-16777216");
  add("FP64", "0.1,-2.5");
  const std::string response = infer(inputs(list));
  ASSERT_EQ(status_of(response), 200) << response;
  for (const std::string& part : expected) EXPECT_NE(response.find(part), response.npos) << part << '\n' << response;
}

TEST_F(InferTest, ValuesOutsideTheirTypeAreRefused) {
  serve(pass_through(kServedTypes));
  const std::pair<std::string, std::string> cases[] = {{"BOOL", "1"},
                                                       {"INT8", "128"},
                                                       {"INT16", "-32769"},
                                                       {"INT32", "2147483648"},
                                                       {"UINT8", "-1"},
                                                       {"UINT64", "1e3"},
                                                       {"INT64", "1.0"},
                                                       {"FP16", "65520"},
                                                       {"BF16", "3.4e38"},
                                                       {"FP32", "1e39"},
                                                       {"FP64", "\"1\""},
                                                       {"FP32", "true"},
                                                       {"INT64", "9223372036854775808"}};
  for (const auto& [type, value] : cases) {
    const std::string response = infer(inputs(tensor("x_" + type, type, "[1,2]", "[" + value + "," + value + "]")));
    EXPECT_EQ(status_of(response), 400) << type;
    EXPECT_NE(response.find("input \\\"x_" + type + "\\\": element 0 is not "), response.npos) << response;
  }
}

TEST_F(InferTest, NestedAndFlatDataAreTheSame) {
  serve(pass_through({DType::f32}));
  const std::string flat = infer(inputs(tensor("x_FP32", "FP32", "[2,2]", "[1,2,3,4]")));
  EXPECT_EQ(status_of(flat), 200) << flat;
  for (const char* data : {"[[1,2],[3,4]]", "[[1,2],3,4]", "[[[1],[2]],[[3],[4]]]"})
    EXPECT_EQ(infer(inputs(tensor("x_FP32", "FP32", "[2,2]", data))), flat) << data;
}

TEST_F(InferTest, OutputsAreThoseAskedForInThatOrder) {
  serve(pass_through({DType::f32, DType::i64}));
  const std::string list =
      tensor("x_INT64", "INT64", "[1,2]", "[1,2]") + "," + tensor("x_FP32", "FP32", "[1,2]", "[3,4]");
  const auto names = [&](const std::string& more) {
    const std::string response = infer(inputs(list, more));
    EXPECT_EQ(status_of(response), 200) << response;
    const std::size_t f = response.find("y_FP32"), i = response.find("y_INT64");
    return std::string(f == response.npos            ? ""
                       : f < i || i == response.npos ? "F"
                                                     : "") +
           (i == response.npos ? "" : "I") + (f != response.npos && i < f ? "F" : "");
  };
  EXPECT_EQ(names(""), "FI");
  EXPECT_EQ(names(",\"outputs\":[]"), "FI");
  EXPECT_EQ(names(",\"outputs\":null"), "FI");
  EXPECT_EQ(names(",\"outputs\":[{\"name\":\"y_INT64\"}]"), "I");
  EXPECT_EQ(names(",\"outputs\":[{\"name\":\"y_INT64\"},{\"name\":\"y_FP32\"}]"), "IF");
}

TEST_F(InferTest, IdsAreEchoedCharacterByCharacter) {
  serve(pass_through({DType::f32}));
  const std::string list = tensor("x_FP32", "FP32", "[1,2]", "[1,2]");
  const auto answer = [&](const std::string& id) { return body_of(infer(inputs(list, ",\"id\":" + id))); };
  EXPECT_NE(answer(R"("\u00fc \ud83d\ude00\n\"")").find(R"("id":"\u00fc \ud83d\ude00\u000a\"")"), std::string::npos);
  EXPECT_NE(answer("\"\"").find("\"id\":\"\""), std::string::npos);
  EXPECT_EQ(answer("null").find("\"id\""), std::string::npos);
  EXPECT_NE(answer("7").find("\\\"id\\\" is not a string"), std::string::npos);
  EXPECT_NE(answer("\"" + std::string(1025, 'x') + "\"").find("longer than 1024"), std::string::npos);
}

TEST_F(InferTest, ParametersThatMeanNothingArePassedOver) {
  serve(pass_through({DType::f32}));
  const std::string list = tensor("x_FP32", "FP32", "[1,2]", "[1,2]");
  for (const char* good :
       {"{}", R"({"a":"b","c":1.5,"d":true})", R"({"priority":2,"timeout":1e8})", R"({"sequence_id":0})",
        R"({"sequence_id":"","sequence_start":false,"sequence_end":false})", "null"}) {
    const std::string response = infer(inputs(list, std::string(",\"model_name\":\"m\",\"parameters\":") + good));
    EXPECT_EQ(status_of(response), 200) << good << response;
  }
  const std::pair<const char*, const char*> bad[] = {
      {"[]", "\\\"parameters\\\" is not an object"},
      {R"({"a":[1]})", "parameter \\\"a\\\" is no string"},
      {R"({"sequence_id":7})", "parameter \\\"sequence_id\\\" is not supported"},
      {R"({"sequence_start":true})", "parameter \\\"sequence_start\\\" is not supported"},
      {R"({"timeout":-1})", "\\\"timeout\\\" is not a whole number"},
      {R"({"priority":1.5})", "\\\"priority\\\" is not a whole number"},
      {R"({"binary_data_output":1})", "\\\"binary_data_output\\\" is not true or false"},
  };
  for (const auto& [parameters, reason] : bad) {
    const std::string response = infer(inputs(list, std::string(",\"parameters\":") + parameters));
    EXPECT_EQ(status_of(response), 400) << parameters;
    EXPECT_NE(response.find(reason), response.npos) << response;
  }
}

TEST_F(InferTest, WhatIsWrongIsNamed) {
  serve(pass_through({DType::f32}));
  const std::string good = tensor("x_FP32", "FP32", "[1,2]", "[1,2]");
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "\\\"inputs\\\" is missing"},
      {"{\"inputs\":{}}", "\\\"inputs\\\" is not an array"},
      {inputs("1"), "something else than objects"},
      {inputs("{}"), "no \\\"name\\\""},
      {inputs(tensor("x", "FP32", "[1,2]", "[1,2]")), "no input \\\"x\\\""},
      {inputs(good + "," + good), "appears twice"},
      {inputs(tensor("x_FP32", "BYTES", "[1,2]", "[\"a\",\"b\"]")), "datatype is BYTES, expected FP32"},
      {inputs(tensor("x_FP32", "FP32", "2", "[1,2]")), "\\\"shape\\\" is not an array"},
      {inputs(tensor("x_FP32", "FP32", "[1.5,2]", "[1,2]")), "sizes"},
      {inputs(tensor("x_FP32", "FP32", "[0,2]", "[]")), "the batch is empty"},
      {inputs(tensor("x_FP32", "FP32", "[1000000,2]", "[1]")), "expected 2000000 numbers"},
      {inputs(tensor("x_FP32", "FP32", "[65,2]", "[" + std::string(258, ' ') + "]")), "expected 130 numbers, got 0"},
      {inputs(tensor("x_FP32", "FP32", "[1,2]", "1")), "\\\"data\\\" is not an array"},
      {inputs("{\"name\":\"x_FP32\",\"datatype\":\"FP32\",\"shape\":[1,2]}"), "\\\"data\\\" is missing"},
      {inputs(good, ",\"outputs\":{}"), "\\\"outputs\\\" is not an array"},
      {inputs(good, ",\"outputs\":[{\"name\":\"y\"}]"), "no output \\\"y\\\""},
      {inputs(good, ",\"outputs\":[{\"name\":\"y_FP32\"},{\"name\":\"y_FP32\"}]"), "appears twice"},
      {inputs(good, ",\"outputs\":[{\"name\":\"y_FP32\",\"parameters\":{\"classification\":3}}]"),
       "parameter \\\"classification\\\" is not supported"},
  };
  for (const auto& [json, reason] : cases) {
    const std::string response = infer(json);
    EXPECT_EQ(status_of(response), 400) << json;
    EXPECT_NE(response.find(reason), response.npos) << json << '\n' << response;
  }
  std::string rows = "0,0";
  for (int i = 1; i < 4097; i++) rows += ",0,0";
  EXPECT_NE(infer(inputs(tensor("x_FP32", "FP32", "[4097,2]", "[" + rows + "]"))).find("at most 4096 rows, not 4097"),
            std::string::npos);
}

TEST_F(InferTest, UnknownModelsAndVersionsAreNamed) {
  serve(pass_through({DType::f32}));
  const std::string body = inputs(tensor("x_FP32", "FP32", "[1,2]", "[1,2]"));
  EXPECT_EQ(status_of(ask(post("/v2/models/%6D/versions/1/infer", body))), 200);
  const std::pair<const char*, const char*> cases[] = {
      {"/v2/models/no%22pe/infer", "there is no model \\\"no\\\"pe\\\""},
      {"/v2/models/m/versions/3/infer", "the model \\\"m\\\" has no version 3"},
      {"/v2/models/m/versions/x/infer", "nothing at this path"},
      {"/v2/models//infer", "nothing at this path"},
      {"/v2/models/a/b/infer", "nothing at this path"}};
  for (const auto& [path, reason] : cases) {
    const std::string response = ask(post(path, body));
    EXPECT_EQ(status_of(response), 404) << path;
    EXPECT_NE(response.find(reason), response.npos) << response;
  }
}

// x / x: the first row gives NaN.
TEST_F(InferTest, WhatJsonCantSayIsRefusedByName) {
  testing::ModelBuilder m;
  m.input("x", {-1, 1}).output("y", {-1, 1});
  m.node("Div", {"x", "x"}, {"y"});
  serve(saved(m, "divide"));
  const std::string response = infer(inputs(tensor("x", "FP32", "[1,1]", "[0]")));
  EXPECT_EQ(status_of(response), 400);
  EXPECT_NE(response.find("output \\\"y\\\" holds NaN or infinity"), response.npos) << response;
  EXPECT_EQ(status_of(infer(inputs(tensor("x", "FP32", "[1,1]", "[2]")))), 200);
}

// JSON of 100,000 numbers is decoded and encoded beside the loop.
TEST_F(InferTest, LargeTensorsComeBackWhole) {
  testing::ModelBuilder m;
  m.input("x", {-1, -1}).output("y", {-1, -1});
  m.node("Identity", {"x"}, {"y"});
  serve(saved(m, "wide"));
  std::string data = "0";
  for (int i = 1; i < 100'000; i++) data += "," + std::to_string(i);
  const std::string response = infer(inputs(tensor("x", "FP32", "[1,100000]", "[" + data + "]")));
  EXPECT_EQ(status_of(response), 200);
  EXPECT_NE(response.find("\"data\":[" + data + "]"), response.npos) << response.substr(0, 300);
}

}  // namespace
}  // namespace adze::server
