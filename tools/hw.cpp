// adze hw: the processor, what it measures at most, and which variant of each kernel it gets.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "kernels/peak/peak.h"
#include "kernels/registry.h"
#include "runtime/cpu.h"
#include "runtime/usable_cpus.h"
#include "tools/command.h"
#include "tools/exit_code.h"

namespace adze {
namespace {

std::string cache_size(int index) {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size");
  std::string text;
  std::getline(file, text);
  return text.empty() ? "unknown" : text;
}

template <class F>
double seconds_of(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The best of several short bursts: anything else on the core only lowers it.
double peak_gflops(FmaPeakFn peak) {
  float sink = 0;
  double best = 0;
  std::int64_t rounds = 1000;
  while (seconds_of([&] { peak(rounds, &sink); }) < 2e-3) rounds *= 2;
  for (int i = 0; i < 20; i++) {
    std::int64_t flops = 0;
    const double seconds = seconds_of([&] { flops = peak(rounds, &sink); });
    best = std::max(best, static_cast<double>(flops) / seconds / 1e9);
  }
  return best;
}

double read_bandwidth() {
  std::vector<std::uint64_t> memory((std::size_t{256} << 20) / sizeof(std::uint64_t), 1);
  double best = 0;
  volatile std::uint64_t sink = 0;
  for (int i = 0; i < 3; i++) {
    const double seconds = seconds_of([&] { sink = std::reduce(memory.begin(), memory.end()); });
    best = std::max(best, static_cast<double>(memory.size() * sizeof(std::uint64_t)) / seconds / 1e9);
  }
  return best;
}

int execute(bool json) {
  nlohmann::ordered_json report;
  report["cpu"] = cpu_name();
  report["isa"] = isa_name(cpu_isa());
  report["active_isa"] = isa_name(active_isa());
  report["usable_cpus"] = usable_cpus();
  report["caches"] = {{"L1d", cache_size(0)}, {"L2", cache_size(2)}, {"L3", cache_size(3)}};
  for (const auto& variant : fma_peak_f32.variants) {
    if (variant.isa <= active_isa()) report["fma_peak_gflops"][isa_name(variant.isa)] = peak_gflops(variant.fn);
  }
  report["read_bandwidth_gbs"] = read_bandwidth();
  for (const KernelInfo& kernel : all_kernels()) {
    for (std::size_t i = 0; i < kernel.variants; i++) {
      if (kernel.isa(i) > active_isa()) continue;
      report["kernels"][std::string(kernel.name)] = isa_name(kernel.isa(i));
      break;
    }
  }
  if (json) {
    std::printf("%s\n", report.dump(1).c_str());
    return kExitOk;
  }
  std::printf("cpu        %s\nisa        %s (active: %s)\ncpus       %d usable\n",
              report["cpu"].get<std::string>().c_str(), report["isa"].get<std::string>().c_str(),
              report["active_isa"].get<std::string>().c_str(), usable_cpus());
  for (const auto& [name, size] : report["caches"].items())
    std::printf("%-10s %s\n", name.c_str(), size.get<std::string>().c_str());
  for (const auto& [name, gflops] : report["fma_peak_gflops"].items()) {
    std::printf("fma peak   %.1f GFLOP/s on one thread, %s\n", gflops.get<double>(), name.c_str());
  }
  std::printf("memory     %.1f GB/s read by one thread\n\n", report["read_bandwidth_gbs"].get<double>());
  for (const auto& [name, isa] : report["kernels"].items())
    std::printf("%-20s %s\n", name.c_str(), isa.get<std::string>().c_str());
  return kExitOk;
}

}  // namespace

void add_hw(CLI::App& app, RunVerb& run) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("hw", "Show the processor, its measured peaks, and the kernels chosen");
  verb->add_flag("--json", *json, "one JSON object");
  verb->callback([&run, json] { run = [json] { return execute(*json); }; });
}

}  // namespace adze
