// From not yet ready to the last answer.
#include "tests/support/repository_fixture.h"

namespace adze::server {
namespace {

using namespace std::chrono_literals;

class LifeCycleTest : public RepositoryTest {
 protected:
  // Waits for run() to return.
  bool ends_within(std::chrono::milliseconds limit) {
    const auto begin = Clock::now();
    thread_.join();
    return Clock::now() - begin < limit;
  }
};

TEST_F(LifeCycleTest, IsAliveBeforeItIsReady) {
  // So many nodes take a while to load.
  testing::ModelBuilder m;
  m.input("x", {-1, 2}).output("y", {-1, 2});
  m.initializer("add", Tensor::from<float>({1}, std::vector<float>{0.5f}));
  for (int i = 0; i < 20000; i++)
    m.node("Add", {i ? "t" + std::to_string(i) : "x", "add"}, {i == 19999 ? "y" : "t" + std::to_string(i + 1)});
  put("m/1/model.onnx", m.serialized());
  ServeOptions options;
  options.loop.port = 0;
  options.service.folder = folder_.path("");
  server_ = std::make_unique<Server>(options);
  ASSERT_TRUE(server_->start());
  thread_ = std::thread([this] { outcome_ = server_->run(); });
  EXPECT_EQ(status_of(ask(get("/v2/health/live"))), 200);
  const std::string early = ask(get("/v2/health/ready")), infer_early = infer("m");
  ASSERT_TRUE(server_->wait_ready());
  EXPECT_EQ(status_of(ask(get("/v2/health/ready"))), 200);
  EXPECT_EQ(added_by("m"), "10000");
  if (status_of(early) == 200) GTEST_SKIP() << "this machine loads it before it can be asked";
  EXPECT_EQ(status_of(early), 503);
  EXPECT_NE(early.find("being loaded"), early.npos) << early;
  if (status_of(infer_early) != 200) {
    EXPECT_EQ(status_of(infer_early), 503) << infer_early;
  }
}

TEST_F(LifeCycleTest, TurnsUnreadyThenServesOnThenEnds) {
  put_version("m", 1, 1);
  serve(ModelControl::none, [](ServeOptions& options) { options.drain_delay = 400ms; });
  Client idle(server_->port());
  idle.send(get("/v2/health/live"));
  EXPECT_EQ(status_of(idle.receive()), 200);
  server_->drain();
  EXPECT_TRUE(comes_true([&] { return status_of(ask(get("/v2/health/ready"))) == 503; }));
  EXPECT_EQ(status_of(ask(get("/v2/health/live"))), 200);
  const std::string answer = infer("m");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("Connection: close"), answer.npos) << answer;
  EXPECT_TRUE(ends_within(2s));
  EXPECT_TRUE(outcome_);
  EXPECT_TRUE(idle.at_end());
}

TEST_F(LifeCycleTest, IdleConnectionsDoNotHoldUpTheEnd) {
  put_version("m", 1, 1);
  serve();
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 20; i++) {
    idle.push_back(std::make_unique<Client>(server_->port()));
    if (i % 2) {
      idle.back()->send(get("/v2/health/live"));
      EXPECT_EQ(status_of(idle.back()->receive()), 200);
    }
  }
  server_->drain();
  EXPECT_TRUE(ends_within(500ms));
}

TEST_F(LifeCycleTest, HalfARequestIsWaitedForButNotForEver) {
  put_version("m", 1, 1);
  serve();
  const std::string request =
      post("/v2/models/m/infer", R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0,0.5]}]})");
  Client completes(server_->port()), never(server_->port());
  completes.send(request.substr(0, 100));
  never.send(request.substr(0, 100));
  EXPECT_TRUE(comes_true(
      [&] { return ask(get("/metrics")).find("adze_connections{state=\"reading\"} 2\n") != std::string::npos; }));
  server_->drain();
  std::this_thread::sleep_for(50ms);
  completes.send(request.substr(100));
  EXPECT_EQ(status_of(completes.receive()), 200);
  EXPECT_TRUE(ends_within(3s));
  EXPECT_TRUE(never.at_end());
}

// What lies in the socket when the drain begins has been accepted.
TEST_F(LifeCycleTest, RequestsThatArrivedAreAnsweredManyTimesOver) {
  put_version("m", 1, 1);
  const std::string request =
      post("/v2/models/m/infer", R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0,0.5]}]})");
  for (int round = 0; round < 20; round++) {
    serve();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 8; i++) {
      clients.push_back(std::make_unique<Client>(server_->port()));
      clients.back()->send(request);
    }
    server_->drain();
    for (const auto& client : clients) EXPECT_EQ(status_of(client->receive()), 200) << round;
    EXPECT_TRUE(ends_within(2s));
  }
}

}  // namespace
}  // namespace adze::server
