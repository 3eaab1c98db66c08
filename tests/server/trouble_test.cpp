// The server while things go wrong around it: an engine that is slow beyond its deadline, clients that reset their
// connections, a process out of descriptors.
#include <fcntl.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "tests/support/model_builder.h"
#include "tests/support/server_fixture.h"

namespace adze::server {
namespace {

using namespace std::chrono_literals;

// A chain of products that keeps one thread busy for most of a second or longer.
std::string slow_model() {
  constexpr std::int64_t kWidth = 512, kRows = 64;
  constexpr int kProducts = 3000;
  testing::ModelBuilder model;
  model.input("x", {-1, 1}).output("y", {-1, kRows, kWidth});
  const std::vector<float> weights(kWidth * kWidth, 1.0f / kWidth), spread(kRows * kWidth, 1.0f);
  model.initializer("w", Tensor::from<float>({kWidth, kWidth}, weights));
  model.initializer("spread", Tensor::from<float>({1, kRows, kWidth}, spread));
  const std::vector<std::int64_t> three = {-1, 1, 1};
  model.initializer("shape", Tensor::from_ints(three));
  model.node("Reshape", {"x", "shape"}, {"x3"});
  model.node("Mul", {"x3", "spread"}, {"t0"});
  for (int i = 0; i < kProducts; i++) {
    model.node("MatMul", {"t" + std::to_string(i), "w"},
               {i + 1 == kProducts ? std::string("y") : "t" + std::to_string(i + 1)});
  }
  const auto path = std::filesystem::temp_directory_path() / ("adze-slow-" + std::to_string(getpid()) + ".onnx");
  std::ofstream(path, std::ios::binary) << model.serialized();
  return path;
}

class TroubleTest : public ServerTest {
 protected:
  static void SetUpTestSuite() { path_ = slow_model(); }
  static void TearDownTestSuite() { std::filesystem::remove(path_); }
  void start_slow(std::chrono::milliseconds deadline) {
    start([&](ServeOptions& options) {
      options.service.models.emplace_back("slow", path_);
      options.service.model.max_batch = 1;
      options.service.deadline = deadline;
    });
  }
  static std::string slow_request() {
    return post("/v2/models/slow/infer",
                R"({"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}],"outputs":[{"name":"y"}]})");
  }
  // Waits until a line of /metrics appears.
  bool metric_appears(const std::string& line) {
    for (int i = 0; i < 500; i++) {
      if (ask(get("/metrics")).find(line + "\n") != std::string::npos) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  static std::string path_;
};
std::string TroubleTest::path_;

TEST_F(TroubleTest, ASlowEngineIsAnsweredForAtTheDeadline) {
  start_slow(500ms);
  Client client(server_->port());
  const auto begin = std::chrono::steady_clock::now();
  client.send(slow_request());
  const std::string response = client.receive();
  const auto took = std::chrono::steady_clock::now() - begin;
  if (status_of(response) == 200) GTEST_SKIP() << "this machine is done before the deadline";
  EXPECT_EQ(status_of(response), 503) << response;
  EXPECT_GE(took, 500ms);
  EXPECT_LE(took, 800ms);
  // The connection and the other models go on; the slow run itself has been called off.
  client.send(post("/predict", features(30)));
  EXPECT_EQ(status_of(client.receive()), 200);
  EXPECT_TRUE(metric_appears("adze_deadline_exceeded_total{model=\"slow\",version=\"1\"} 1"));
}

TEST_F(TroubleTest, AResetInMidRunCallsTheRunOff) {
  start_slow(60s);
  {
    Client client(server_->port());
    client.send(slow_request());
    EXPECT_TRUE(metric_appears("adze_connections{state=\"inflight\"} 2"));  // the slow one and this question
    client.reset_on_close();
  }
  EXPECT_TRUE(metric_appears("adze_cancelled_total{model=\"slow\",version=\"1\"} 1"));
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
}

TEST_F(TroubleTest, OutOfDescriptorsConnectionsAreHungUpOnAndLaterOnesServed) {
  start();
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; i++) clients.push_back(std::make_unique<Client>(sa_family_t{AF_INET}));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next) + 2;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  int served = 0, hung_up = 0;
  for (const auto& client : clients) {
    if (!client->connect(server_->port())) continue;
    client->try_send(post("/predict", features(30)));
    (status_of(client->receive()) == 200 ? served : hung_up)++;
  }
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_GE(served, 1);
  EXPECT_GE(hung_up, 1);
  EXPECT_EQ(served + hung_up, 12);
  clients.clear();
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
}

TEST_F(TroubleTest, ServesIPv6) {
  ServeOptions alone;
  alone.loop.host = "::1";
  alone.loop.port = 0;
  alone.service.models = {{"tumour", ADZE_SOURCE_DIR "/examples/tabular/tumour.onnx"}};
  if (const auto probe = Server(alone).start(); !probe) GTEST_SKIP() << probe.error().message;
  start([](ServeOptions& options) { options.loop.host = "::1"; });
  Client client(sa_family_t{AF_INET6});
  ASSERT_TRUE(client.connect(server_->port()));
  client.send(post("/predict", features(30)));
  EXPECT_EQ(status_of(client.receive()), 200);
}

}  // namespace
}  // namespace adze::server
