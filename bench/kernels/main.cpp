// Every variant of the product kernels on the layers of usual models, in GFLOP/s and as a share of the FMA peak that
// the same instruction set reaches on the same core at start.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

#include "bench/kernels/timings.h"
#include "kernels/core/isa.h"

int main(int argc, char** argv) {
  using namespace adze;
  constexpr int kRight = 0, kWrong = 1, kUsage = 2;
  if (const auto bad = isa_environment_error(); !bad.empty()) {
    std::fprintf(stderr, "ADZE_ISA: %s is no instruction set of this build\n", std::string(bad).c_str());
    return kUsage;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return kUsage;
  bench::register_timings();
  if (benchmark::RunSpecifiedBenchmarks() == 0) return kUsage;
  return bench::results_were_right() ? kRight : kWrong;
}
