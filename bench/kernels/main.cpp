// Every variant of the product kernels on the layers of usual models, in GFLOP/s and as a share of the FMA peak that
// the same instruction set reaches on the same core at start.
//
//   kernels_bench [--benchmark_...]   google-benchmark's options
//   kernels_bench --check-dispatch    whether the variants and algorithms that are taken are the fastest ones here
//
// Exit codes: 0 right, 1 a wrong sum or a lost check, 2 usage.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "bench/kernels/dispatch_check.h"
#include "bench/kernels/timings.h"
#include "kernels/core/isa.h"

int main(int argc, char** argv) {
  using namespace adze;
  constexpr int kRight = 0, kWrong = 1, kUsage = 2;
  if (const auto bad = isa_environment_error(); !bad.empty()) {
    std::fprintf(stderr, "ADZE_ISA: %s is no instruction set of this build\n", std::string(bad).c_str());
    return kUsage;
  }
  if (argc == 2 && argv[1] == std::string_view("--check-dispatch")) return bench::check_dispatch() ? kRight : kWrong;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return kUsage;
  bench::register_timings();
  if (benchmark::RunSpecifiedBenchmarks() == 0) return kUsage;
  return bench::results_were_right() ? kRight : kWrong;
}
