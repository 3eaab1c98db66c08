// Every variant of the product kernels over sizes and layer shapes, in GFLOP/s and as a share of the FMA peak that the
// same instruction set reaches on the same core at start.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/peak/peak.h"

namespace adze {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double measured_peak(Isa isa) {
  static std::map<Isa, double> known;
  double& best = known[isa];
  if (best > 0) return best;
  float sink = 0;
  for (int i = 0; i < 30; i++) {
    const double begin = seconds_now();
    const auto flops = static_cast<double>(fma_peak_f32.best(isa).fn(20000, &sink));
    best = std::max(best, flops / (seconds_now() - begin));
  }
  return best;
}

struct Shape {
  const char* name;
  std::int64_t m, n, k;
};
// Squares, and 1x1 convolutions of ResNet-50 and MobileNetV2 with m = pixels.
constexpr Shape kShapes[] = {
    {"512", 512, 512, 512},           {"1024", 1024, 1024, 1024},       {"2048", 2048, 2048, 2048},
    {"r50 64-256@56", 3136, 256, 64}, {"r50 256-64@56", 3136, 64, 256}, {"r50 512-2048@7", 49, 2048, 512},
    {"mb2 24-144@56", 3136, 144, 24}, {"mb2 960-160@7", 49, 160, 960},  {"fc 2048-1000", 1, 1000, 2048}};

void run(benchmark::State& state, const Shape& shape, const Variant<const TileSet*>& variant) {
  const auto [name, m, n, k] = shape;
  std::vector<float> a(static_cast<std::size_t>(m * k), 0.5f), b(static_cast<std::size_t>(packed_b_size(k, n)), 0.25f);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  const MatrixRows rows{a.data(), k};
  GemmArgs args{};
  args.m = m;
  args.n = n;
  args.taps = 1;
  args.kc = k;
  args.rows = matrix_rows;
  args.context = &rows;
  args.b = b.data();
  args.c = c.data();
  args.ldc = n;
  args.tiles = variant.fn;
  const CancelFlag cancel;
  gemm_f32(args, {}, cancel);
  if (c.front() != 0.125f * static_cast<float>(k) || c.back() != c.front())
    return state.SkipWithError("the result is wrong");
  double best = 1e30;
  for (auto _ : state) {
    const double begin = seconds_now();
    gemm_f32(args, {}, cancel);
    best = std::min(best, seconds_now() - begin);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  state.counters["GFLOP/s"] = flops / best / 1e9;
  state.counters["%peak"] = 100 * flops / best / measured_peak(variant.isa);
}

}  // namespace
}  // namespace adze

int main(int argc, char** argv) {
  for (const auto& variant : adze::gemm_tile_f32.variants) {
    if (variant.isa > adze::active_isa() || variant.isa == adze::Isa::portable) continue;
    for (const adze::Shape& shape : adze::kShapes) {
      const std::string name = "gemm_tile_f32/" + std::string(adze::isa_name(variant.isa)) + "/" + shape.name;
      benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) {
        adze::run(state, shape, variant);
      })->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
