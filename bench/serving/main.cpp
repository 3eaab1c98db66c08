// serving_load: puts a load on a server and reports as JSON. bench/serving/peers.py and checks.py drive it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/serving/load.h"
#include "bench/serving/requests.h"

namespace {

nlohmann::json report(const adze::bench::LoadOptions& options, const adze::bench::LoadResult& result) {
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  const auto& latency = result.latency;
  nlohmann::json statuses = nlohmann::json::object();
  for (const auto& [status, count] : result.statuses) statuses[std::to_string(status)] = count;
  return {
      {"connections", options.connections},
      {"rate", options.rate},
      {"seconds", result.seconds},
      {"due", result.due},
      {"answered", latency.total()},
      {"unanswered", result.unanswered},
      {"broken", result.broken},
      {"statuses", statuses},
      {"per_second", result.seconds > 0 ? static_cast<double>(latency.total()) / result.seconds : 0},
      {"latency_us",
       {{"p50", us(latency.quantile(0.5))},
        {"p90", us(latency.quantile(0.9))},
        {"p99", us(latency.quantile(0.99))},
        {"p99.9", us(latency.quantile(0.999))},
        {"max", us(latency.max())},
        {"mean", latency.mean() / 1e3}}},
      {"served_connections", result.served_connections},
      {"late_sends", result.late},
      {"most_waiting", result.most_waiting},
      {"own_cpu_seconds", result.cpu_seconds},
  };
}

}  // namespace

int main(int argc, char** argv) {
  adze::bench::LoadOptions load;
  adze::bench::RequestOptions requests;
  CLI::App app("Puts a load on an HTTP server and reports as JSON");
  app.add_option("--host", load.host, "IPv4 address");
  app.add_option("--port", load.port)->required()->check(CLI::Range(1, 65535));
  app.add_option("--connections", load.connections)->check(CLI::Range(1, 60000));
  app.add_option("--seconds", load.seconds)->check(CLI::Range(0.01, 86400.0));
  app.add_option("--warm-up", load.warm_up, "seconds before counting")->check(CLI::Range(0.0, 3600.0));
  app.add_option("--rate", load.rate, "requests per second, whatever the server does; 0: as fast as it answers")
      ->check(CLI::Range(0.0, 1e7));
  app.add_flag("--poisson", load.poisson, "random gaps between requests");
  app.add_option("--path", requests.path);
  app.add_option("--features", requests.features, "numbers in a /predict body")->check(CLI::Range(1, 1 << 24));
  app.add_option("--tensor", requests.tensor, "NAME=1x3x224x224: an Open Inference Protocol body instead");
  app.add_flag("--binary", requests.binary, "with the binary tensor extension");
  app.add_option("--body", requests.body_file, "file of another JSON body");
  app.add_option("--header", requests.headers, "further header field");
  app.add_option("--variants", requests.variants, "different bodies")->check(CLI::Range(1, 4096));
  CLI11_PARSE(app, argc, argv);

  std::string trouble;
  const auto rendered = adze::bench::render_requests(requests, trouble);
  if (rendered.empty()) {
    std::fprintf(stderr, "serving_load: %s\n", trouble.c_str());
    return 2;
  }
  const auto result = adze::bench::run_load(load, rendered);
  if (!result.trouble.empty()) {
    std::fprintf(stderr, "serving_load: %s\n", result.trouble.c_str());
    return 1;
  }
  std::printf("%s\n", report(load, result).dump(1).c_str());
  return 0;
}
