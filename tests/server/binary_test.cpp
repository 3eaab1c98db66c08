// The binary tensor data extension.
#include "tests/support/infer_client.h"

namespace adze::server {
namespace {

class BinaryTest : public ServerTest {
 protected:
  void serve(const std::string& path) {
    start([&](ServeOptions& options) { options.service.models = {{"m", path}}; });
  }
  std::string infer(const std::string& json, const std::string& tensors) {
    return ask(binary_post("/v2/models/m/infer", json, tensors));
  }
};

std::string input(const std::string& name, const std::string& type, const std::string& shape, std::size_t size) {
  return "{\"name\":\"" + name + "\",\"datatype\":\"" + type + "\",\"shape\":" + shape +
         ",\"parameters\":{\"binary_data_size\":" + std::to_string(size) + "}}";
}

TEST_F(BinaryTest, EveryTypePassesThrough) {
  serve(pass_through(kServedTypes));
  std::string list, tensors;
  for (const DType type : kServedTypes) {
    const std::string name(oip_name_of(type));
    std::string bytes(4 * size_of(type), '\0');
    for (std::size_t i = 0; i < bytes.size(); i++)
      bytes[i] = static_cast<char>(type == DType::boolean ? i % 2 : i * 37 + 1);
    list += (list.empty() ? "" : ",") + input("x_" + name, name, "[2,2]", bytes.size());
    tensors += bytes;
  }
  const std::string response =
      infer("{\"id\":\"7\",\"inputs\":[" + list + "],\"parameters\":{\"binary_data_output\":true}}", tensors);
  ASSERT_EQ(status_of(response), 200) << response;
  EXPECT_EQ(field_of(response, "Content-Type"), "application/octet-stream");
  EXPECT_NE(json_of(response).find("\"id\":\"7\""), std::string::npos);
  EXPECT_NE(json_of(response).find("{\"name\":\"y_FP64\",\"datatype\":\"FP64\",\"shape\":[2,2],\"parameters\":{"
                                   "\"binary_data_size\":32}}"),
            std::string::npos)
      << response;
  EXPECT_EQ(tensors_of(response), tensors);
}

TEST_F(BinaryTest, JsonAndBinaryMix) {
  serve(pass_through({DType::f32, DType::i64}));
  const std::string floats = bytes_of<float>({1.5f, -2});
  const std::string json_input = R"({"name":"x_INT64","datatype":"INT64","shape":[1,2],"data":[7,8]})";
  for (const std::string& list : {input("x_FP32", "FP32", "[1,2]", 8) + "," + json_input,
                                  json_input + "," + input("x_FP32", "FP32", "[1,2]", 8)}) {
    const std::string all_json = infer("{\"inputs\":[" + list + "]}", floats);
    EXPECT_EQ(field_of(all_json, "Content-Type"), "application/json");
    EXPECT_NE(all_json.find("\"data\":[1.5,-2]"), all_json.npos) << all_json;
    EXPECT_NE(all_json.find("\"data\":[7,8]"), all_json.npos) << all_json;
    const std::string mixed = infer("{\"inputs\":[" + list +
                                        "],\"parameters\":{\"binary_data_output\":true},\"outputs\":[{\"name\":\"y_"
                                        "FP32\",\"parameters\":{\"binary_data\":false}},{\"name\":\"y_INT64\"}]}",
                                    floats);
    EXPECT_NE(json_of(mixed).find("\"data\":[1.5,-2]"), std::string::npos) << mixed;
    EXPECT_EQ(tensors_of(mixed), bytes_of<std::int64_t>({7, 8}));
  }
  // A header that covers the whole body.
  const std::string json =
      "{\"inputs\":[" + json_input + R"(,{"name":"x_FP32","datatype":"FP32","shape":[1,2],"data":[1,2]}]})";
  EXPECT_EQ(status_of(infer(json, "")), 200);
}

TEST_F(BinaryTest, RawBodiesAreTheOnlyInput) {
  start();
  const std::string row(64 * 4, '\0');
  const std::string raw = ask(post("/v2/models/digits/infer", row, "Inference-Header-Content-Length: 0\r\n"));
  ASSERT_EQ(status_of(raw), 200) << raw;
  EXPECT_NE(json_of(raw).find("\"shape\":[1,10]"), std::string::npos) << json_of(raw);
  EXPECT_EQ(tensors_of(raw).size(), 40u);
  const std::string named = ask(binary_post(
      "/v2/models/digits/infer",
      "{\"parameters\":{\"binary_data_output\":true},\"inputs\":[" + input("image", "FP32", "[1,1,8,8]", 256) + "]}",
      row));
  EXPECT_EQ(tensors_of(raw), tensors_of(named));
  const std::string wrong = ask(post("/v2/models/digits/infer", row + "x", "Inference-Header-Content-Length: 0\r\n"));
  EXPECT_EQ(status_of(wrong), 400);
  EXPECT_NE(wrong.find("the body has 257 bytes; FP32 of shape [1,8,8] takes 256"), wrong.npos) << wrong;
}

TEST_F(BinaryTest, LiesAboutSizesAreRefused) {
  serve(pass_through({DType::f32, DType::boolean}));
  const std::string eight(8, '\0'), two(2, '\1');
  const auto both = [](const std::string& a, const std::string& b) { return "{\"inputs\":[" + a + "," + b + "]}"; };
  const std::string f = input("x_FP32", "FP32", "[1,2]", 8), b = input("x_BOOL", "BOOL", "[1,2]", 2);
  EXPECT_EQ(status_of(infer(both(f, b), eight + two)), 200);
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {both(f, b), eight + "\1", "the body ends before its 2 bytes"},
      {both(f, b), eight + two + "x", "1 bytes more than its binary inputs"},
      {both(f, b), "", "the body ends before its 8 bytes"},
      {both(input("x_FP32", "FP32", "[1,2]", 4), b), eight + two, "\\\"binary_data_size\\\" is 4"},
      {both(input("x_FP32", "FP32", "[2305843009213693952,2]", 0), b), two, "\\\"binary_data_size\\\" is 0"},
      {both(input("x_FP32", "FP32", "[4611686018427387904,2]", 0), b), two, "too large"},
      {both(f, input("x_BOOL", "BOOL", "[1,2]", 2)), eight + "\1\2", "byte 1 is neither 0 nor 1"},
      {both(R"({"name":"x_FP32","datatype":"FP32","shape":[1,2],"data":[1,2],"parameters":{"binary_data_size":8}})", b),
       eight + two, "both"},
      {both(R"({"name":"x_FP32","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":-8}})", b), eight,
       "not a whole number"},
      {both(R"({"name":"x_FP32","datatype":"FP32","shape":[1,2],"parameters":{"shared_memory_region":"r"}})", b), eight,
       "\\\"shared_memory_region\\\" is not supported"},
  };
  for (const auto& [json, tensors, reason] : cases) {
    const std::string response = infer(json, tensors);
    EXPECT_EQ(status_of(response), 400) << json;
    EXPECT_NE(response.find(reason), response.npos) << json << '\n' << response;
  }
  for (const char* length : {"99", "-1", "x", "1e1", "18446744073709551616", ""}) {
    const std::string response =
        ask(post("/v2/models/m/infer", "{}", std::string("Inference-Header-Content-Length: ") + length + "\r\n"));
    EXPECT_EQ(status_of(response), 400) << length;
    EXPECT_NE(response.find("Inference-Header-Content-Length"), response.npos) << response;
  }
}

// Bodies above 64 KiB stay where they were received; requests behind them in the same stream go on.
TEST_F(BinaryTest, LargeTensorsPipelineAndInChunks) {
  testing::ModelBuilder m;
  m.input("x", {-1, -1}).output("y", {-1, -1});
  m.node("Identity", {"x"}, {"y"});
  serve(saved(m, "wide"));
  std::vector<float> values(150'528);
  for (std::size_t i = 0; i < values.size(); i++) values[i] = static_cast<float>(i) * 0.5f;
  const std::string tensors = bytes_of(values);
  const std::string json = "{\"parameters\":{\"binary_data_output\":true},\"inputs\":[" +
                           input("x", "FP32", "[2,75264]", tensors.size()) + "]}";
  const std::string large = binary_post("/v2/models/m/infer", json, tensors);
  Client client(server_->port());
  std::thread sender([&] { client.send(large + get("/v2/health/live") + large); });
  const std::string first = client.receive();
  ASSERT_EQ(status_of(first), 200) << first.substr(0, 400);
  EXPECT_EQ(tensors_of(first), tensors);
  EXPECT_EQ(body_of(client.receive()), "{\"live\":true}");
  EXPECT_EQ(client.receive(), first);
  sender.join();

  std::string chunked =
      "POST /v2/models/m/infer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
      "Inference-Header-Content-Length: " +
      std::to_string(json.size()) + "\r\n\r\n";
  const std::string body = json + tensors;
  for (std::size_t at = 0; at < body.size(); at += 0x8000) {
    const std::string part = body.substr(at, 0x8000);
    char size[16];
    std::snprintf(size, sizeof size, "%zx", part.size());
    chunked += std::string(size) + "\r\n" + part + "\r\n";
  }
  std::thread chunks([&] { client.send(chunked + "0\r\n\r\n" + get("/v2/health/live")); });
  EXPECT_EQ(client.receive(), first);
  EXPECT_EQ(body_of(client.receive()), "{\"live\":true}");
  chunks.join();
}

}  // namespace
}  // namespace adze::server
