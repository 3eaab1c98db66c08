// What is counted: Triton's statistics extension, and /metrics.
#include <set>
#include <sstream>
#include <thread>

#include "server/process_stats.h"
#include "tests/support/repository_fixture.h"

namespace adze::server {
namespace {

class StatisticsTest : public RepositoryTest {
 protected:
  // The value of a line of /metrics, or -1.
  double metric(const std::string& line) {
    const std::string text = "\n" + ask(get("/metrics"));
    const std::size_t at = text.find("\n" + line + " ");
    return at == text.npos ? -1 : std::stod(text.substr(at + line.size() + 2));
  }
};

TEST_F(StatisticsTest, HasEveryMemberThatClientsRead) {
  put_version("m", 1, 1);
  put_version("other", 2, 1);
  serve();
  for (int i = 0; i < 3; i++) infer("m");
  ask(post("/v2/models/m/infer", R"({"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}]})"));
  ask(post("/v2/models/m/infer", "{}"));
  const std::string stats = body_of(ask(get("/v2/models/m/stats")));
  EXPECT_TRUE(stats.starts_with(R"({"model_stats":[{"name":"m","version":"1","last_inference":1)")) << stats;
  EXPECT_EQ(after(stats, "\"inference_count\":"), "5") << stats;
  EXPECT_EQ(after(stats, "\"execution_count\":"), "4") << stats;
  for (const char* member : {"success", "queue", "compute_input", "compute_infer", "compute_output"}) {
    EXPECT_EQ(after(stats, std::string("\"") + member + "\":{\"count\":"), "4") << member << stats;
    const std::size_t at = stats.find(std::string("\"") + member + "\":");
    EXPECT_GT(std::stoll(after(stats.substr(at), "\"ns\":")), 0) << member << stats;
  }
  EXPECT_NE(stats.find(R"("fail":{"count":1,"ns":)"), stats.npos) << stats;
  EXPECT_NE(stats.find(R"("cache_hit":{"count":0,"ns":0},"cache_miss":{"count":0,"ns":0})"), stats.npos) << stats;
  EXPECT_NE(stats.find(R"("response_stats":{},"batch_stats":[{"batch_size":1,"compute_input":{"count":3,"ns":)"),
            stats.npos)
      << stats;
  EXPECT_NE(stats.find(R"({"batch_size":2,"compute_input":{"count":1,"ns":)"), stats.npos) << stats;
  EXPECT_NE(stats.find("\"memory_usage\":[{\"type\":\"CPU\",\"id\":0,\"byte_size\":"), stats.npos) << stats;

  EXPECT_EQ(status_of(ask(get("/v2/models/m/versions/1/stats"))), 200);
  EXPECT_EQ(status_of(ask(get("/v2/models/m/versions/2/stats"))), 404);
  EXPECT_EQ(status_of(ask(get("/v2/models/nope/stats"))), 404);
  EXPECT_EQ(status_of(ask(post("/v2/models/stats", ""))), 405);
  const std::string all = body_of(ask(get("/v2/models/stats")));
  EXPECT_NE(all.find(R"({"name":"m","version":"1")"), all.npos);
  EXPECT_NE(all.find(R"({"name":"other","version":"2","last_inference":0)"), all.npos) << all;
}

TEST_F(StatisticsTest, MetricsCarryTritonsNames) {
  put_version("m", 1, 1);
  serve();
  for (int i = 0; i < 3; i++) infer("m");
  ask(post("/v2/models/m/infer", "{}"));
  const std::string labels = R"({model="m",version="1"})";
  for (const char* name :
       {"nv_inference_request_success", "nv_inference_count", "nv_inference_exec_count", "adze_queue_seconds_count",
        "adze_compute_seconds_count", "adze_write_seconds_count", "adze_batch_size_count", "adze_queue_depth_count"}) {
    EXPECT_EQ(metric(name + labels), 3) << name;
  }
  for (const char* name :
       {"nv_inference_request_duration_us", "nv_inference_queue_duration_us", "nv_inference_compute_input_duration_us",
        "nv_inference_compute_infer_duration_us", "nv_inference_compute_output_duration_us",
        "nv_inference_pending_request_count", "adze_shed_total", "adze_arena_bytes", "adze_weight_bytes"}) {
    EXPECT_GE(metric(name + labels), 0) << name;
  }
  EXPECT_GT(metric("nv_model_load_duration_secs" + labels), 0);
  for (const char* reason : {"REJECTED", "CANCELED", "BACKEND", "OTHER"}) {
    EXPECT_EQ(metric(std::string(R"(nv_inference_request_failure{model="m",version="1",reason=")") + reason + "\"}"),
              std::string(reason) == "OTHER" ? 1 : 0)
        << reason;
  }
  EXPECT_EQ(metric(R"(adze_connections{state="inflight"})"), 1);
  EXPECT_EQ(metric(R"(adze_connections{state="reading"})"), 0);
  Client idle(server_->port()), reading(server_->port());
  idle.send(get("/v2/health/live"));
  EXPECT_EQ(status_of(idle.receive()), 200);
  reading.send("POST /pre");
  EXPECT_TRUE(comes_true([&] { return metric(R"(adze_connections{state="reading"})") == 1; }));
  EXPECT_TRUE(comes_true([&] { return metric(R"(adze_connections{state="idle"})") == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // longer than batches wait for what is arriving
  EXPECT_EQ(metric(R"(adze_connections{state="reading"})"), 1);
  for (const char* name : {"process_resident_memory_bytes", "process_threads", "process_open_fds",
                           "process_start_time_seconds", "nv_cpu_memory_total_bytes", "nv_cpu_memory_used_bytes"}) {
    EXPECT_GT(metric(name), 0) << name;
  }
}

// Prometheus takes a family's lines only in one place, behind its head.
TEST_F(StatisticsTest, MetricsAreWellFormed) {
  put_version("m", 1, 1);
  put_version("n", 1, 1);
  serve();
  infer("m");
  std::istringstream lines(body_of(ask(get("/metrics"))));
  std::set<std::string> families;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family;
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
      continue;
    }
    EXPECT_TRUE(line.starts_with(family)) << line;
    std::size_t used = 0;
    const std::string number = line.substr(line.rfind(' ') + 1);
    std::stod(number, &used);
    EXPECT_EQ(used, number.size()) << line;
  }
  EXPECT_GT(families.size(), 30u);
}

TEST(ProcessStats, AgreesWithWhatTheTestKnows) {
  const ProcessStats before = process_stats();
  const int fd = dup(0);
  std::atomic<bool> stop{false};
  std::thread thread([&] { stop.wait(false); });
  const ProcessStats now = process_stats();
  stop = true;
  stop.notify_all();
  thread.join();
  close(fd);
  EXPECT_EQ(now.open_fds, before.open_fds + 1);
  EXPECT_EQ(now.threads, before.threads + 1);
  EXPECT_GT(now.resident_bytes, 1u << 20);
  EXPECT_GE(now.virtual_bytes, now.resident_bytes);
  EXPECT_NEAR(now.start_seconds, static_cast<double>(time(nullptr)), 3600);
  const MachineStats machine = machine_stats();
  EXPECT_GT(machine.memory_total, machine.memory_used);
  EXPECT_GT(machine.all_ticks, machine.busy_ticks);
}

}  // namespace
}  // namespace adze::server
