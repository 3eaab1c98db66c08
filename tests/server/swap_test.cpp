// Versions swapped under load: nothing is lost, and every answer is of one version. bench/serving/swap.py is the long
// form.
#include "tests/support/repository_fixture.h"

namespace adze::server {
namespace {

using namespace std::chrono_literals;

struct Load {
  // Asks again and again until `stop`; every answer must be of the version that it names, which adds its own number.
  void run(int port, const std::atomic<bool>& stop) {
    const std::string request =
        post("/v2/models/m/infer", R"({"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[0,1,2,3]}]})");
    Client client(port);
    while (!stop) {
      client.send(request);
      const std::string response = client.receive();
      const std::size_t at = response.find("\"model_version\":\"");
      if (status_of(response) != 200 || at == response.npos) {
        failed++;
        last_failure = response;
        return;
      }
      const int version = std::stoi(response.substr(at + 17));
      std::string expected = "\"data\":[";
      for (int i = 0; i < 4; i++) expected += (i ? "," : "") + std::to_string(version + i);
      if (response.find(expected + "]") == response.npos) {
        mixed++;
        last_failure = response;
      }
      if (version < newest) backwards++;
      newest = version;
      answered++;
    }
  }
  int answered = 0, failed = 0, mixed = 0, backwards = 0, newest = 0;
  std::string last_failure;
};

class SwapTest : public RepositoryTest {
 protected:
  void swap_under_load(const std::function<void(int version)>& swap) {
    std::atomic<bool> stop{false};
    std::vector<Load> loads(6);
    std::vector<std::thread> threads;
    for (Load& load : loads) threads.emplace_back([&] { load.run(server_->port(), stop); });
    for (int version = 2; version < 12; version++) {
      swap(version);
      std::this_thread::sleep_for(50ms);
    }
    EXPECT_TRUE(comes_true([&] { return added_by("m") == "11"; }));
    stop = true;
    for (std::thread& thread : threads) thread.join();
    for (const Load& load : loads) {
      EXPECT_GT(load.answered, 0);
      EXPECT_EQ(load.failed, 0) << load.last_failure;
      EXPECT_EQ(load.mixed, 0) << load.last_failure;
      EXPECT_EQ(load.backwards, 0);
    }
  }
};

TEST_F(SwapTest, ByRequestLosesAndMixesNothing) {
  put_version("m", 1, 1);
  serve(ModelControl::by_request, [](ServeOptions& options) { options.service.load = {"m"}; });
  swap_under_load([&](int version) {
    put_version("m", version, static_cast<float>(version));
    EXPECT_EQ(status_of(load("m")), 200);
  });
}

TEST_F(SwapTest, ByWatchingLosesAndMixesNothing) {
  put_version("m", 1, 1);
  serve(ModelControl::watch);
  swap_under_load([&](int version) {
    put_version("m", version, static_cast<float>(version));
    remove("m/" + std::to_string(version - 1));
  });
}

}  // namespace
}  // namespace adze::server
