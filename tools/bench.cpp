// adze bench: latency of repeated runs of one plan, inputs bound, after warm-up.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/plan.h"
#include "runtime/profile.h"
#include "runtime/usable_cpus.h"
#include "tools/command.h"
#include "tools/exit_code.h"
#include "tools/feeds.h"
#include "tools/model_flags.h"
#include "tools/prepared.h"
#include "tools/tune_flags.h"

namespace adze {
namespace {

struct Options {
  std::string model, precision = "f32", device = "cpu";
  FeedOptions feeds{{}, {}, "random:1"};
  int threads = 0;
  double seconds = 2;
  bool profile = false, json = false;
  ModelOptions how;
};

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double percentile(const std::vector<double>& sorted, double p) {
  const auto index = static_cast<std::size_t>(std::lround(p * static_cast<double>(sorted.size() - 1)));
  return sorted[std::min(index, sorted.size() - 1)];
}

constexpr std::size_t kMinRuns = 5, kMaxRuns = 10'000'000;

Result<std::vector<double>> measure(Session& session, double seconds) {
  const CancelFlag cancel;
  // Warm-up: at least three runs, and a tenth of the time, so that clocks and caches settle.
  const double warm_until = now_ms() + 100 * seconds;
  for (int run = 0; run < 3 || now_ms() < warm_until; run++) ADZE_CHECK(session.run(cancel));
  std::vector<double> times;
  times.reserve(1 << 16);
  const double until = now_ms() + 1000 * seconds;
  for (double begin = now_ms(); (begin < until || times.size() < kMinRuns) && times.size() < kMaxRuns;) {
    ADZE_CHECK(session.run(cancel));
    const double end = now_ms();
    times.push_back(end - begin);
    begin = end;
  }
  std::sort(times.begin(), times.end());
  return times;
}

// A run of its own: reading the clock at every step would lengthen what is measured.
Result<Profile> profile(Session& session, double seconds) {
  Profile steps;
  session.set_profile(&steps);
  const CancelFlag cancel;
  const double until = now_ms() + 1000 * seconds;
  while (now_ms() < until || steps.runs() < 3) ADZE_CHECK(session.run(cancel));
  session.set_profile(nullptr);
  return steps;
}

void print_profile(const Plan& plan, const Profile& profile) {
  std::int64_t total = 0;
  for (const std::int64_t ns : profile.nanoseconds()) total += ns;
  std::printf("%10s %6s %9s  %-28s %s\n", "us", "%", "GFLOP/s", "kernel", "node");
  for (std::size_t i = 0; i < plan.steps().size(); i++) {
    const PlanStep& step = plan.steps()[i];
    const double us = static_cast<double>(profile.nanoseconds()[i]) / 1e3 / static_cast<double>(profile.runs());
    std::printf("%10.2f %6.2f %9.1f  %-28s %s\n", us,
                100.0 * static_cast<double>(profile.nanoseconds()[i]) / static_cast<double>(total),
                step.step.flops / 1e3 / std::max(us, 1e-9), step.step.kernel.c_str(), step.name.c_str());
  }
}

Result<void> execute(const Options& options) {
  ADZE_TRY(auto model, Model::load(options.model, options.how));
  ADZE_TRY(auto feeds, make_feeds(*model, options.feeds));
  const int threads = options.threads > 0 ? options.threads : usable_cpus();
  ADZE_TRY(Prepared prepared, prepare(model, std::move(feeds), threads));
  ADZE_TRY(const auto times, measure(prepared.session, options.seconds));
  double mean = 0;
  for (const double time : times) mean += time / static_cast<double>(times.size());
  const Plan& plan = prepared.session.plan();
  nlohmann::ordered_json report;
  report["model"] = options.model;
  report["latency_ms"] = {{"p50", percentile(times, 0.5)},
                          {"p90", percentile(times, 0.9)},
                          {"p99", percentile(times, 0.99)},
                          {"min", times.front()},
                          {"mean", mean}};
  report["runs"] = times.size();
  report["threads"] = threads;
  report["isa"] = isa_name(active_isa());
  report["arena_bytes"] = plan.arena_bytes();
  report["weight_bytes"] = model->weight_bytes();
  report["gflops"] = plan.flops() / 1e6 / percentile(times, 0.5);
  if (options.json) {
    std::printf("%s\n", report.dump().c_str());
  } else {
    std::printf(
        "%s: p50 %.4f ms, p90 %.4f, p99 %.4f, min %.4f over %zu runs; %d threads, %s, %.1f GFLOP/s, arena %zu bytes, "
        "weights %zu bytes\n",
        options.model.c_str(), percentile(times, 0.5), percentile(times, 0.9), percentile(times, 0.99), times.front(),
        times.size(), threads, std::string(isa_name(active_isa())).c_str(), report["gflops"].get<double>(),
        plan.arena_bytes(), model->weight_bytes());
  }
  if (options.profile) {
    ADZE_TRY(const Profile steps, profile(prepared.session, options.seconds / 2));
    print_profile(plan, steps);
  }
  return {};
}

}  // namespace

void add_bench(CLI::App& app, RunVerb& run) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("bench", "Time a model");
  verb->add_option("MODEL", options->model, "ONNX file")->required();
  add_feed_options(*verb, options->feeds);
  verb->add_option("--threads", options->threads, "threads; 0: one per usable CPU")->check(CLI::Range(0, 256));
  verb->add_option("--seconds", options->seconds, "how long to measure")->check(CLI::Range(0.001, 3600.0));
  verb->add_option("--precision", options->precision, "f32")->check(CLI::IsMember({"f32"}));
  verb->add_option("--device", options->device, "cpu")->check(CLI::IsMember({"cpu"}));
  verb->add_flag("--profile", options->profile, "time per step");
  verb->add_flag("--json", options->json, "one JSON object");
  add_model_options(*verb, options->how);
  add_tune_options(*verb, options->how);
  verb->callback([&run, options] {
    run = [options] {
      const auto done = execute(*options);
      return done ? kExitOk : fail(done.error());
    };
  });
}

}  // namespace adze
