// What the load generator is made of, and a load on a server of a few lines.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "bench/serving/histogram.h"
#include "bench/serving/load.h"
#include "bench/serving/requests.h"
#include "bench/serving/response.h"

namespace adze::bench {
namespace {

TEST(LoadHistogram, QuantilesAreWithinTheirStep) {
  std::mt19937_64 random(1);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20000; i++) {
    values.push_back(random() >> (20 + random() % 44));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const std::uint64_t exact = values[static_cast<std::size_t>(q * 20000)];
    EXPECT_GE(histogram.quantile(q), exact) << q;
    EXPECT_LE(histogram.quantile(q), exact + exact / 128) << q;
  }
  EXPECT_EQ(histogram.quantile(1), values.back());
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.total(), 20000u);
  EXPECT_EQ(Histogram().quantile(0.5), 0u);
}

TEST(LoadResponse, IsReadInAnyPieces) {
  const std::string whole = "HTTP/1.1 503 No\r\ncontent-LENGTH: 5\r\nConnection: close\r\n\r\n12345";
  for (std::size_t piece = 1; piece <= whole.size(); piece++) {
    ResponseReader reader;
    auto state = ResponseReader::State::partial;
    for (std::size_t at = 0; at < whole.size(); at += piece) {
      ASSERT_EQ(state, ResponseReader::State::partial) << piece;
      state = reader.feed(std::string_view(whole).substr(at, piece));
    }
    EXPECT_EQ(state, ResponseReader::State::complete) << piece;
    EXPECT_EQ(reader.status(), 503);
    EXPECT_TRUE(reader.closes());
  }
}

TEST(LoadResponse, MoreThanOneAnswerOrNoLengthIsBroken) {
  EXPECT_EQ(ResponseReader().feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP"), ResponseReader::State::broken);
  EXPECT_EQ(ResponseReader().feed("HTTP/1.1 200 OK\r\n\r\n"), ResponseReader::State::broken);
  EXPECT_EQ(ResponseReader().feed("nonsense, all of it\r\n\r\n"), ResponseReader::State::broken);
}

TEST(LoadRequests, BinaryTensorsHaveTheirLengths) {
  std::string trouble;
  const auto requests =
      render_requests({.path = "/p", .tensor = "x=2x3", .binary = true, .headers = {"A: b"}, .variants = 2}, trouble);
  ASSERT_EQ(requests.size(), 2u) << trouble;
  EXPECT_NE(requests[0], requests[1]);
  const std::size_t json = requests[0].find("\r\n\r\n") + 4, end = requests[0].find("}}]}") + 4;
  EXPECT_EQ(requests[0].size() - end, 24u);
  EXPECT_NE(requests[0].find("Inference-Header-Content-Length: " + std::to_string(end - json) + "\r\n"),
            std::string::npos);
  EXPECT_NE(requests[0].find("\"binary_data_size\":24"), std::string::npos);
  EXPECT_NE(requests[0].find("\r\nA: b\r\n"), std::string::npos);
  for (const char* bad : {"x", "=1", "x=", "x=1x", "x=0", "x=1y2", "x=99999999999"}) {
    EXPECT_TRUE(render_requests({.tensor = bad}, trouble).empty()) << bad;
  }
}

// Answers one connection after another, each request after a pause.
class SlowServer {
 public:
  explicit SlowServer(std::chrono::milliseconds pause) : pause_(pause) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    listen(listener_, 16);
    socklen_t length = sizeof address_;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &length);
    thread_ = std::thread([this] { serve(); });
  }
  ~SlowServer() {
    thread_.join();
    close(listener_);
  }
  int port() const { return ntohs(address_.sin_port); }

 private:
  void serve() {
    const int fd = accept(listener_, nullptr, nullptr);
    char buffer[4096];
    while (recv(fd, buffer, sizeof buffer, 0) > 0) {
      std::this_thread::sleep_for(pause_);
      constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
      send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
    }
    close(fd);
  }

  std::chrono::milliseconds pause_;
  int listener_ = -1;
  sockaddr_in address_{};
  std::thread thread_;
};

// A load that waits for the server before it sends the next request would report 20 ms for every one of them.
TEST(Load, AnOpenLoadChargesTheServerForWhomItKeptWaiting) {
  std::string trouble;
  const auto requests = render_requests({.features = 4}, trouble);
  SlowServer server(std::chrono::milliseconds(20));
  const LoadResult result =
      run_load({.port = server.port(), .connections = 1, .seconds = 0.5, .warm_up = 0, .rate = 100}, requests);
  EXPECT_EQ(result.trouble, "");
  EXPECT_EQ(result.due, 50u);  // the times are fixed, however slow the answers
  EXPECT_EQ(result.statuses.at(200), 50u);
  EXPECT_EQ(result.unanswered + result.broken, 0u);
  EXPECT_GT(result.latency.max(), 300'000'000u);  // twice as many as it can serve: the last waited for half a second
  EXPECT_GT(result.most_waiting, 10u);
}

TEST(Load, AClosedLoadSendsOneByOne) {
  std::string trouble;
  const auto requests = render_requests({.features = 4}, trouble);
  SlowServer server(std::chrono::milliseconds(5));
  const LoadResult result = run_load({.port = server.port(), .connections = 1, .seconds = 0.3, .warm_up = 0}, requests);
  EXPECT_EQ(result.latency.total(), result.due);
  EXPECT_GT(result.due, 10u);
  EXPECT_LE(result.due, 60u);
  EXPECT_EQ(result.served_connections, 1);
}

}  // namespace
}  // namespace adze::bench
