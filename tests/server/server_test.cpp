// The server over real sockets on an ephemeral port, serving a bundled model.
#include "tests/support/server_fixture.h"

namespace adze::server {
namespace {

using namespace std::chrono_literals;

TEST_F(ServerTest, PredictAnswersAScore) {
  start();
  const std::string response = ask(post("/predict", features(30, "0.5")));
  EXPECT_EQ(status_of(response), 200) << response;
  EXPECT_NE(response.find("Content-Type: application/json\r\n"), response.npos);
  EXPECT_TRUE(body_of(response).starts_with("{\"score\":")) << response;
}

TEST_F(ServerTest, BadBodiesGetOneClearError) {
  start();
  const std::pair<std::string, std::string> cases[] = {
      {"", "JSON"},
      {"{", "JSON"},
      {"[]", "object"},
      {"{}", "\\\"features\\\" is missing"},
      {"{\"features\":1}", "is not an array"},
      {features(29), "expected 30 numbers, got 29"},
      {features(31), "more than the expected 30"},
      {features(30, "\"x\""), "not a number"},
      {features(30, "null"), "not a number"},
      {features(30, "NaN"), "JSON"},
      {features(30, "1e400"), "JSON"},
      {features(30, "1e39"), "not a number"},
      {features(30) + "x", "JSON"},
      {features(30) + features(30), "JSON"},
      {std::string(100000, '['), "JSON"},
  };
  for (const auto& [body, expected] : cases) {
    const std::string response = ask(post("/predict", body));
    EXPECT_EQ(status_of(response), 400) << body.substr(0, 60);
    EXPECT_TRUE(body_of(response).starts_with("{\"error\":\"")) << response;
    EXPECT_NE(response.find(expected), response.npos) << body.substr(0, 60) << " -> " << response;
  }
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
}

TEST_F(ServerTest, InferSpeaksTheProtocol) {
  start();
  std::string data;
  for (int i = 0; i < 2 * 64; i++) data += (i ? "," : "") + std::to_string(i % 16) + ".0";
  const auto request = [&](const std::string& shape, const std::string& type, const std::string& more) {
    return "{\"id\":\"r\\\"1\",\"inputs\":[{\"name\":\"image\",\"shape\":" + shape + ",\"datatype\":\"" + type +
           "\",\"data\":[" + data + "]}]" + more + "}";
  };
  const std::string ok = ask(post("/v2/models/digits/infer", request("[2,1,8,8]", "FP32", "")));
  EXPECT_EQ(status_of(ok), 200) << ok;
  EXPECT_TRUE(body_of(ok).starts_with(
      "{\"model_name\":\"digits\",\"model_version\":\"1\",\"id\":\"r\\\"1\",\"outputs\":[{\"name\":\"scores\","
      "\"datatype\":\"FP32\",\"shape\":[2,10],\"data\":["))
      << ok;
  EXPECT_EQ(status_of(ask(post("/v2/models/digits/versions/1/infer",
                               request("[2,1,8,8]", "FP32", ",\"outputs\":[{\"name\":\"scores\"}]")))),
            200);
  for (const auto& [body, part] : std::vector<std::pair<std::string, std::string>>{
           {request("[2,1,8,9]", "FP32", ""), "doesn't fit"},
           {request("[1,1,8,8]", "FP32", ""), "more than the expected"},
           {request("[3,1,8,8]", "FP32", ""), "got 128"},
           {request("[-2,1,8,8]", "FP32", ""), "sizes"},
           {request("[9223372036854775807,1,8,8]", "FP32", ""), "too large"},
           {request("[2,1,8,8]", "INT32", ""), "datatype"},
           {request("[2,1,8,8]", "FP32", ",\"outputs\":[{\"name\":\"nope\"}]"), "no output"},
           {"{\"inputs\":[]}", "missing"}}) {
    const std::string response = ask(post("/v2/models/digits/infer", body));
    EXPECT_EQ(status_of(response), 400) << response;
    EXPECT_NE(response.find(part), response.npos) << response;
  }
  EXPECT_EQ(status_of(ask(post("/v2/models/nope/infer", "{}"))), 404);
  EXPECT_EQ(status_of(ask(post("/v2/models/digits/versions/2/infer", "{}"))), 404);
}

TEST_F(ServerTest, OtherRoutes) {
  start();
  EXPECT_EQ(body_of(ask(get("/v2/health/live"))), "{\"live\":true}");
  EXPECT_EQ(status_of(ask(get("/v2/health/ready"))), 200);
  EXPECT_NE(ask(get("/v2")).find("\"name\":\"adze\""), std::string::npos);
  EXPECT_NE(ask(get("/v2/models/tumour")).find("\"shape\":[-1,30]"), std::string::npos);
  EXPECT_NE(ask(get("/v2/models/tumour/ready")).find("\"ready\":true"), std::string::npos);
  EXPECT_EQ(status_of(ask(get("/v2/models/nope"))), 404);
  EXPECT_EQ(status_of(ask(get("/nothing"))), 404);
  const std::string wrong = ask(get("/predict"));
  EXPECT_EQ(status_of(wrong), 405);
  EXPECT_NE(wrong.find("Allow: POST"), wrong.npos);
  ask(post("/predict", features(30)));
  EXPECT_NE(ask(get("/metrics")).find("adze_requests_total{model=\"tumour\",version=\"1\",code=\"200\"} 1"),
            std::string::npos);
  EXPECT_NE(ask(get("/")).find("tumour"), std::string::npos);
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  std::string bytes;
  for (int i = 0; i < 50; i++) bytes += i % 2 ? post("/predict", features(30)) : get("/v2/health/live");
  Client client(server_->port());
  client.send(bytes);
  for (int i = 0; i < 50; i++) {
    const std::string response = client.receive();
    ASSERT_EQ(status_of(response), 200) << i;
    EXPECT_EQ(body_of(response).starts_with("{\"score\""), i % 2 == 1) << i;
  }
}

TEST_F(ServerTest, BytesOneByOne) {
  start();
  Client client(server_->port());
  for (const char c : post("/predict", features(30))) client.send({&c, 1});
  EXPECT_EQ(status_of(client.receive()), 200);
}

TEST_F(ServerTest, FramingErrorsAreAnsweredAndClosed) {
  start();
  Client client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  const std::string response = client.receive();
  EXPECT_EQ(status_of(response), 400);
  EXPECT_NE(response.find("Connection: close"), response.npos);
  EXPECT_TRUE(client.at_end());
}

TEST_F(ServerTest, ContinueIsSaidBeforeTheBody) {
  start();
  Client client(server_->port());
  const std::string body = features(30);
  client.send("POST /predict HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(status_of(client.receive()), 100);
  client.send(body);
  EXPECT_EQ(status_of(client.receive()), 200);
}

TEST_F(ServerTest, ARequestThatEndsWithItsConnectionIsAnswered) {
  start();
  Client client(server_->port());
  client.send(get("/v2/health/live"));
  EXPECT_EQ(status_of(client.receive()), 200);
  client.finish_sending();
  EXPECT_TRUE(client.at_end());
}

TEST_F(ServerTest, LargeBodiesAreDecodedAside) {
  start();
  const std::string padding(100000, ' ');
  EXPECT_EQ(status_of(ask(post("/predict", "{\"features\":[" + padding + "1" +
                                               features(29).substr(12).insert(0, "").replace(0, 1, ",")))),
            200);
}

TEST_F(ServerTest, SlowHeadsGet408AndOthersAreServedMeanwhile) {
  start([](ServeOptions& options) { options.loop.head_timeout = 1s; });
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 50; i++) {
    slow.push_back(std::make_unique<Client>(server_->port()));
    slow.back()->send("POST /predict HTTP/1.1\r\nHo");
  }
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
  for (const auto& client : slow) EXPECT_EQ(status_of(client->receive()), 408);
}

TEST_F(ServerTest, NobodyWaitsForASlowClientsRequest) {
  start([](ServeOptions& options) { options.service.model.max_delay = 1s; });
  Client slow(server_->port());
  slow.send("POST /predict HTTP/1.1\r\nHo");
  std::this_thread::sleep_for(50ms);
  const auto begin = Clock::now();
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
  EXPECT_LT(Clock::now() - begin, 900ms);  // not the second for which company may be waited for
}

TEST_F(ServerTest, ARequestLargerThanABatchIsSplitUpToALimit) {
  start([](ServeOptions& options) {
    options.service.model.max_batch = 4;
    options.service.model.max_request_rows = 10;
  });
  const auto request = [](int first, int rows) {
    std::string data;
    for (int i = first * 30; i < (first + rows) * 30; i++) data += (data.empty() ? "" : ",") + std::to_string(i % 17);
    return post("/v2/models/tumour/infer", "{\"inputs\":[{\"name\":\"features\",\"shape\":[" + std::to_string(rows) +
                                               ",30],\"datatype\":\"FP32\",\"data\":[" + data + "]}]}");
  };
  const auto data_of = [](const std::string& response) {
    const std::size_t at = response.find("\"data\":[");
    return at == response.npos ? response : response.substr(at + 8, response.find(']', at) - at - 8);
  };
  std::string alone;
  for (int row = 0; row < 10; row++) alone += (row ? "," : "") + data_of(ask(request(row, 1)));
  EXPECT_EQ(data_of(ask(request(0, 10))), alone);
  const std::string refused = ask(request(0, 11));
  EXPECT_EQ(status_of(refused), 400);
  EXPECT_NE(refused.find("at most 10 rows, not 11"), refused.npos) << refused;
}

TEST_F(ServerTest, AnUnmeetableDeadlineIsAnsweredWith503) {
  start([](ServeOptions& options) { options.service.deadline = 0ms; });
  const std::string response = ask(post("/predict", features(30)));
  EXPECT_EQ(status_of(response), 503) << response;
  EXPECT_NE(response.find("Retry-After: 1"), response.npos);
}

TEST_F(ServerTest, TooManyConnectionsAreTurnedAway) {
  start([](ServeOptions& options) { options.loop.max_connections = 2; });
  Client a(server_->port()), b(server_->port());
  a.send(get("/v2/health/live"));
  EXPECT_EQ(status_of(a.receive()), 200);
  Client c(server_->port());
  EXPECT_EQ(status_of(c.receive()), 503);
}

TEST_F(ServerTest, AUsedPortIsAClearError) {
  start();
  ServeOptions options;
  options.loop.port = server_->port();
  options.service.models = {{"tumour", ADZE_SOURCE_DIR "/examples/tabular/tumour.onnx"}};
  Server second(options);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::bad_input);
  EXPECT_NE(started.error().message.find("in use"), std::string::npos) << started.error().message;
}

TEST_F(ServerTest, DrainingUnderLoadLosesNothing) {
  start();
  std::atomic<int> answered{0}, refused{0}, broken{0};
  std::atomic<bool> go_on{true};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; i++) {
    clients.emplace_back([&] {
      while (go_on) {
        Client client(server_->port());
        if (!client.connected()) {
          refused++;
          continue;
        }
        client.try_send(post("/predict", features(30)));
        const std::string response = client.receive();
        // A connection that was never accepted ends without an answer; one that was must not.
        if (status_of(response) == 200) {
          answered++;
        } else if (!response.empty()) {
          broken++;
        }
      }
    });
  }
  while (answered < 200) std::this_thread::sleep_for(1ms);
  server_->drain();
  thread_.join();
  go_on = false;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(broken, 0);
  EXPECT_GE(answered, 200);
}

TEST_F(ServerTest, DisconnectingClientsHurtNobody) {
  start();
  for (int round = 0; round < 20; round++) {
    std::vector<std::unique_ptr<Client>> leaving;
    for (int i = 0; i < 10; i++) {
      leaving.push_back(std::make_unique<Client>(server_->port()));
      leaving.back()->send(post("/predict", features(30)));
    }
    leaving.clear();
    const std::string response = ask(post("/predict", features(30, "0.5")));
    ASSERT_EQ(status_of(response), 200);
  }
}

}  // namespace
}  // namespace adze::server
