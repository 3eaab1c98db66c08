#include "bench/kernels/peak.h"

#include <algorithm>
#include <map>

#include "bench/kernels/clock.h"
#include "kernels/peak/peak.h"

namespace adze::bench {

double fma_peak(Isa isa) {
  static std::map<Isa, double> known;
  double& best = known[isa];
  if (best > 0) return best;
  constexpr int kTries = 30;
  constexpr double kEnough = 0.1;  // where a multiply-add is a call into the library, one try takes long
  constexpr std::int64_t kRounds = 20000;
  float sink = 0;
  const double start = seconds_now();
  for (int i = 0; i < kTries && (i == 0 || seconds_now() - start < kEnough); i++) {
    const double begin = seconds_now();
    const auto flops = static_cast<double>(fma_peak_f32.best(isa).fn(kRounds, &sink));
    best = std::max(best, flops / (seconds_now() - begin));
  }
  return best;
}

}  // namespace adze::bench
