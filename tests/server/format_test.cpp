// Formats of bodies: content encodings, media types, and what is refused by name.
#include "server/http/compression.h"
#include "tests/support/infer_client.h"

namespace adze::server {
namespace {

class FormatTest : public ServerTest {
 protected:
  void serve_wide() {
    testing::ModelBuilder m;
    m.input("x", {-1, -1}).output("y", {-1, -1});
    m.node("Identity", {"x"}, {"y"});
    start([&](ServeOptions& options) { options.service.models.emplace_back("wide", saved(m, "wide")); });
  }
  std::string predict(const std::string& fields) { return ask(post("/predict", features(30), fields)); }
};

std::string packed(std::string_view text, Encoding encoding) { return deflated({&text, 1}, encoding); }

std::string wide_request(std::size_t n, const std::string& more = {}) {
  return "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1," + std::to_string(n) +
         "],\"parameters\":{\"binary_data_size\":" + std::to_string(4 * n) + "}}]" + more + "}";
}

TEST_F(FormatTest, CompressedRequestsAreTheSame) {
  start();
  const std::string plain = predict({});
  for (const Encoding encoding : {Encoding::gzip, Encoding::deflate}) {
    const std::string field = "Content-Encoding: " + std::string(name_of(encoding)) + "\r\n";
    EXPECT_EQ(ask(post("/predict", packed(features(30), encoding), field)), plain);
    const std::string broken = ask(post("/predict", packed(features(30), encoding).substr(2), field));
    EXPECT_EQ(status_of(broken), 400);
    EXPECT_NE(broken.find("not well-formed " + std::string(name_of(encoding))), broken.npos) << broken;
  }
  EXPECT_EQ(predict("Content-Encoding: identity\r\n"), plain);
}

TEST_F(FormatTest, LengthsOfACompressedRequestAreThoseBefore) {
  serve_wide();
  const std::string tensors = bytes_of(std::vector<float>(5000, 0.25f));
  const std::string json = wide_request(5000, ",\"parameters\":{\"binary_data_output\":true}");
  const std::string length = "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n";
  for (const Encoding encoding : {Encoding::gzip, Encoding::deflate}) {
    const std::string name(name_of(encoding));
    const std::string response =
        ask(post("/v2/models/wide/infer", packed(json + tensors, encoding),
                 length + "Content-Encoding: " + name + "\r\nAccept-Encoding: br, " + name + "\r\n"));
    ASSERT_EQ(status_of(response), 200) << response.substr(0, 300);
    EXPECT_EQ(field_of(response, "Content-Encoding"), name);
    EXPECT_EQ(field_of(response, "Vary"), "Accept-Encoding");
    const auto body = inflated(body_of(response), encoding, {});
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->substr(std::stoul(field_of(response, "Inference-Header-Content-Length"))), tensors);
    EXPECT_LT(body_of(response).size(), 2000u);
  }
}

TEST_F(FormatTest, SmallAnswersStayPlain) {
  start();
  const std::string response = predict("Accept-Encoding: gzip, deflate\r\n");
  EXPECT_EQ(status_of(response), 200);
  EXPECT_EQ(field_of(response, "Content-Encoding"), "");
  EXPECT_TRUE(body_of(response).starts_with("{\"score\""));
}

TEST_F(FormatTest, BombsAreRefused) {
  start();
  const std::string spaces(std::size_t{32} << 20, ' ');
  const std::string response = ask(post("/predict", packed(spaces, Encoding::gzip), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(status_of(response), 413) << response;
  EXPECT_NE(response.find("decoded it has more than"), response.npos) << response;
  EXPECT_EQ(status_of(predict({})), 200);
}

TEST_F(FormatTest, OtherFormatsAreRefusedByName) {
  start();
  for (const char* type : {"application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded"})
    EXPECT_EQ(status_of(predict(std::string("Content-Type: ") + type + "\r\n")), 200) << type;
  for (const char* type : {"text/plain", "application/json; charset=utf-16", "multipart/form-data; boundary=x",
                           "application/octet-stream"}) {
    const std::string response = predict(std::string("Content-Type: ") + type + "\r\n");
    EXPECT_EQ(status_of(response), 415) << type;
    EXPECT_NE(response.find(type), response.npos) << response;
    EXPECT_NE(response.find("use application/json"), response.npos) << response;
  }
  for (const char* encoding : {"br", "zstd", "gzip, gzip"}) {
    const std::string response = predict(std::string("Content-Encoding: ") + encoding + "\r\n");
    EXPECT_EQ(status_of(response), 415) << encoding;
    EXPECT_EQ(field_of(response, "Accept-Encoding"), "gzip, deflate");
    EXPECT_NE(response.find(encoding), response.npos) << response;
  }
  EXPECT_EQ(status_of(predict("Inference-Header-Content-Length: 5\r\n")), 415);
  for (const char* accept : {"text/html", "application/octet-stream", "application/json;q=0"}) {
    const std::string response = predict(std::string("Accept: ") + accept + "\r\n");
    EXPECT_EQ(status_of(response), 406) << accept;
    EXPECT_NE(response.find(accept), response.npos) << response;
  }
  EXPECT_EQ(status_of(predict("Accept: text/html, */*;q=0.1\r\n")), 200);
  EXPECT_NE(ask(get("/metrics")).find("code=\"415\"} 8\n"), std::string::npos);
}

// A client that asks before it sends a body is told at once when the body would be for nothing.
TEST_F(FormatTest, BodiesThatAreNotWantedAreNotAskedFor) {
  start();
  const auto asks = [&](const std::string& path, const std::string& fields) {
    Client client(server_->port());
    client.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + fields + "\r\n");
    const std::string response = client.receive();
    EXPECT_TRUE(status_of(response) == 100 || field_of(response, "Connection") == "close") << response;
    return status_of(response);
  };
  EXPECT_EQ(asks("/predict", "Content-Length: 500\r\n"), 100);
  EXPECT_EQ(asks("/v2/models/digits/infer", "Transfer-Encoding: chunked\r\n"), 100);
  EXPECT_EQ(asks("/predict", "Content-Length: 99999999999\r\n"), 413);
  EXPECT_EQ(asks("/v2/models/nope/infer", "Content-Length: 500\r\n"), 404);
  EXPECT_EQ(asks("/predict", "Content-Length: 500\r\nContent-Type: text/html\r\n"), 415);
  EXPECT_EQ(asks("/predict", "Content-Length: 500\r\nAccept: text/html\r\n"), 406);
}

TEST_F(FormatTest, AnswersAreOfATypeThatIsAccepted) {
  serve_wide();
  const std::string tensors(16, '\0');
  const auto infer = [&](const std::string& more, const std::string& accept) {
    return ask(binary_post("/v2/models/wide/infer", wide_request(4, more), tensors, "Accept: " + accept + "\r\n"));
  };
  EXPECT_EQ(field_of(infer("", "*/*"), "Content-Type"), "application/json");
  EXPECT_EQ(field_of(infer("", "application/octet-stream"), "Content-Type"), "application/octet-stream");
  const std::string asked = ",\"outputs\":[{\"name\":\"y\",\"parameters\":{\"binary_data\":";
  EXPECT_EQ(status_of(infer(asked + "true}}]", "application/json")), 406);
  EXPECT_EQ(status_of(infer(asked + "false}}]", "application/octet-stream")), 406);
  EXPECT_EQ(status_of(infer(asked + "true}}]", "application/octet-stream")), 200);
}

}  // namespace
}  // namespace adze::server
