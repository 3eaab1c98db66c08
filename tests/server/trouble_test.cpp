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

// A chain of products: a long input keeps one thread busy for seconds, while the shortest, which is what warms up the
// server, hardly does.
constexpr int kLength = 512;

std::string slow_model() {
  constexpr std::int64_t kWidth = 512;
  constexpr int kProducts = 2000;
  testing::ModelBuilder model(18);
  model.input("x", {-1, -1}).output("y", {-1});
  const std::vector<float> weights(kWidth * kWidth, 1.0f / kWidth), spread(kWidth, 1.0f);
  model.initializer("w", Tensor::from<float>({kWidth, kWidth}, weights));
  model.initializer("spread", Tensor::from<float>({1, 1, kWidth}, spread));
  const std::vector<std::int64_t> last = {2}, all = {1, 2};
  model.initializer("last", Tensor::from_ints(last));
  model.initializer("all", Tensor::from_ints(all));
  model.node("Unsqueeze", {"x", "last"}, {"x3"});
  model.node("Mul", {"x3", "spread"}, {"t0"});
  for (int i = 0; i < kProducts; i++) {
    model.node("MatMul", {"t" + std::to_string(i), "w"}, {"t" + std::to_string(i + 1)});
  }
  testing::set(model.node("ReduceMean", {"t" + std::to_string(kProducts), "all"}, {"y"}), "keepdims", 0);
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
  static std::string slow_request(const std::string& parameters = "") {
    std::string data;
    for (int i = 0; i < kLength; i++) data += i ? ",1" : "1";
    return post("/v2/models/slow/infer", "{" + parameters + "\"inputs\":[{\"name\":\"x\",\"shape\":[1," +
                                             std::to_string(kLength) + "],\"datatype\":\"FP32\",\"data\":[" + data +
                                             "]}]}");
  }
  // Waits until a line of /metrics appears.
  bool metric_appears(const std::string& line) {
    for (int i = 0; i < 500; i++) {
      if (ask(get("/metrics")).find(line + "\n") != std::string::npos) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  // Of the slow model, wherever they were.
  int missed_deadlines() {
    const std::string metrics = ask(get("/metrics")), line = "\nadze_deadline_exceeded_total{model=\"slow\"";
    int sum = 0;
    for (std::size_t at = 0; (at = metrics.find(line, at)) != metrics.npos; at++)
      sum += std::stoi(metrics.substr(metrics.find('}', at) + 1));
    return sum;
  }
  static std::string path_;
};
std::string TroubleTest::path_;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// What the tests below allow above the promised times is for a machine that is busy with other things.
TEST_F(TroubleTest, ASlowEngineIsAnsweredForAtTheDeadline) {
  start_slow(500ms);
  Client client(server_->port());
  for (int i = 0; i < 3; i++) {
    const auto begin = Clock::now();
    client.send(slow_request());
    const std::string response = client.receive();
    const double took = ms_since(begin);
    if (status_of(response) == 200) GTEST_SKIP() << "this machine is done before the deadline";
    std::printf("answered after %.2f ms\n", took);
    EXPECT_EQ(status_of(response), 503) << response;
    EXPECT_NE(response.find("Retry-After: "), response.npos) << response;
    EXPECT_GE(took, 500);
    EXPECT_LE(took, 800);
  }
  // The connection and the other models go on; the slow run itself has been called off.
  client.send(post("/predict", features(30)));
  EXPECT_EQ(status_of(client.receive()), 200);
  EXPECT_EQ(missed_deadlines(), 3);
}

TEST_F(TroubleTest, SeveralSlowRequestsAreAllAnsweredAtTheirDeadline) {
  start_slow(500ms);
  std::vector<std::unique_ptr<Client>> clients;
  const auto begin = Clock::now();
  for (int i = 0; i < 20; i++) {
    clients.push_back(std::make_unique<Client>(server_->port()));
    clients.back()->send(slow_request());
  }
  for (const auto& client : clients) {
    EXPECT_EQ(status_of(client->receive()), 503);
    EXPECT_GE(ms_since(begin), 500);
  }
  EXPECT_LE(ms_since(begin), 900);
}

// How long after its client's end the engine goes on to the next request.
TEST_F(TroubleTest, AResetInMidRunCallsTheRunOff) {
  start_slow(60s);
  Client next(server_->port());
  {
    Client client(server_->port());
    client.send(slow_request());
    EXPECT_TRUE(metric_appears("adze_connections{state=\"inflight\"} 2"));  // the slow one and this question
    next.send(slow_request());
    EXPECT_TRUE(metric_appears("adze_queue_length{model=\"slow\",version=\"1\"} 1"));
    std::this_thread::sleep_for(200ms);  // past the planning for these shapes, which can't be called off
    client.reset_on_close();
  }
  const auto begin = Clock::now();
  bool stopped = false;
  while (!stopped && ms_since(begin) < 5000) {
    stopped = ask(get("/metrics")).find("adze_queue_length{model=\"slow\",version=\"1\"} 0\n") != std::string::npos;
  }
  const double took = ms_since(begin);
  std::printf("the engine went on after %.2f ms\n", took);
  EXPECT_TRUE(stopped);
  EXPECT_LE(took, 300);
  EXPECT_TRUE(metric_appears("adze_cancelled_total{model=\"slow\",version=\"1\",where=\"exec\"} 1"));
  EXPECT_EQ(status_of(ask(post("/predict", features(30)))), 200);
}

TEST_F(TroubleTest, AFullQueueIsToldAtOnceWithWhenToComeBack) {
  start([&](ServeOptions& options) {
    options.service.models.emplace_back("slow", path_);
    options.service.model.max_batch = 1;
    options.service.model.queue_limit = 1;
    options.service.deadline = 60s;
  });
  Client running(server_->port()), waiting(server_->port());
  running.send(slow_request());
  EXPECT_TRUE(metric_appears("adze_connections{state=\"inflight\"} 2"));
  waiting.send(slow_request());
  EXPECT_TRUE(metric_appears("adze_queue_length{model=\"slow\",version=\"1\"} 1"));
  const std::string response = ask(slow_request());
  EXPECT_EQ(status_of(response), 503);
  EXPECT_NE(response.find("the queue is full: 1 requests wait"), response.npos) << response;
  EXPECT_NE(response.find("\r\nRetry-After: "), response.npos) << response;
  running.reset_on_close();
  waiting.reset_on_close();
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
