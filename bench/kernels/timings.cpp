#include "bench/kernels/timings.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <set>

#include "bench/kernels/clock.h"
#include "bench/kernels/family.h"
#include "bench/kernels/peak.h"

namespace adze::bench {
namespace {

bool all_were_right = true;

// The best run of all gives the figures: what disturbs a run only ever adds time.
void time_job(benchmark::State& state, const Subject& subject, std::size_t row, Isa isa) {
  const auto job = subject.prepare(row);
  job->run();
  if (!job->right()) {
    all_were_right = false;
    return state.SkipWithError("the result is wrong");
  }
  double best = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    const double begin = seconds_now();
    job->run();
    best = std::min(best, seconds_now() - begin);
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] = subject.flops / best / 1e9;
  state.counters["%peak"] = 100 * subject.flops / best / fma_peak(isa);
  if (subject.done > 0) state.counters["%peak done"] = 100 * subject.done / best / fma_peak(isa);
  state.SetLabel(subject.shape);
}

void add_peak(Isa isa) {
  char gflops[32];
  std::snprintf(gflops, sizeof gflops, "%.1f GFLOP/s", fma_peak(isa) / 1e9);
  benchmark::AddCustomContext("fma_peak/" + std::string(isa_name(isa)), gflops);
}

}  // namespace

void register_timings() {
  std::set<Isa> used;
  for (const auto& [name, family] : families()) {
    for (std::size_t row = 0; row < family.rows.size(); row++) {
      const Isa isa = family.rows[row];
      if (!family.runs(row) || (isa == Isa::portable && row != family.chosen)) continue;
      used.insert(isa);
      const std::string prefix = name + "/" + std::string(isa_name(isa)) + "/";
      for (const Subject& subject : family.subjects) {
        benchmark::RegisterBenchmark((prefix + subject.name).c_str(), [&subject, row, isa](benchmark::State& state) {
          time_job(state, subject, row, isa);
        })->Unit(benchmark::kMicrosecond);
      }
    }
  }
  for (const Isa isa : used) add_peak(isa);
}

bool results_were_right() { return all_were_right; }

}  // namespace adze::bench
