// The log of requests: a line of JSON for each.
#include "server/request_log.h"

#include "tests/support/repository_fixture.h"

namespace adze::server {
namespace {

constexpr const char* kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(RequestLog, TakesOnlyWellFormedTraceparents) {
  EXPECT_EQ(valid_traceparent(kTrace), kTrace);
  for (const char* wrong : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"}) {
    EXPECT_EQ(valid_traceparent(wrong), "") << wrong;
  }
}

class RequestLogTest : public RepositoryTest {
 protected:
  std::vector<std::string> lines() {
    std::ifstream file(folder_.path("log"));
    std::vector<std::string> result;
    for (std::string line; std::getline(file, line);) result.push_back(line);
    return result;
  }
};

TEST_F(RequestLogTest, WritesOneLinePerRequest) {
  put_version("m", 3, 1);
  auto log = RequestLog::open(folder_.path("log"));
  ASSERT_TRUE(log);
  const std::shared_ptr<RequestLog> shared = *std::move(log);
  serve(ModelControl::none, [&](ServeOptions& options) { options.service.log = shared; });
  const std::string body = R"({"id":"r\n1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]})";
  ask(post("/v2/models/m/infer", body, std::string("traceparent: ") + kTrace + "\r\n"));
  ask(post("/v2/models/m/infer", "{}", "X-Request-Id: abc\r\n"));
  ask(get("/v2/health/live"));
  ASSERT_TRUE(comes_true([&] { return lines().size() >= 2; }));
  const std::string first = lines()[0], second = lines()[1];
  EXPECT_EQ(lines().size(), 2u);
  EXPECT_TRUE(first.starts_with("{\"time\":\"2")) << first;
  for (const std::string& part :
       {std::string(R"("status":200,"model":"m","version":"3","id":"r\u000a1","traceparent":")") + kTrace + "\"",
        std::string("\"rows\":1,\"bytes_in\":") + std::to_string(body.size()), std::string("\"queue_us\":"),
        std::string("\"compute_us\":"), std::string("\"total_us\":")}) {
    EXPECT_NE(first.find(part), first.npos) << part << first;
  }
  EXPECT_NE(second.find(R"("status":400,"model":"m","version":"3","id":"abc","rows":)"), second.npos) << second;
  EXPECT_NE(second.find(R"("error":"\"inputs\" is missing)"), second.npos) << second;
  EXPECT_EQ(second.find("queue_us"), second.npos) << second;
}

TEST(RequestLog, AFileThatCannotBeWrittenIsAnError) { EXPECT_FALSE(RequestLog::open("/nowhere/log")); }

}  // namespace
}  // namespace adze::server
