#include "kernels/peak/peak.h"

#include "kernels/core/simd.h"

namespace adze::ADZE_TARGET {

// Six vectors of sixteen: twelve registers of eight lanes, more chains than latency times width asks for, and few
// enough for sixteen registers.
std::int64_t fma_peak(std::int64_t rounds, float* sink) {
  constexpr int kChains = 6, kUnroll = 16;
  f32x16 chain[kChains];
  // Every lane starts elsewhere: the compiler would merge equal registers.
  float start[kChains * kLanes];
  for (int i = 0; i < kChains * kLanes; i++) start[i] = static_cast<float>(i) + static_cast<float>(rounds);
  ADZE_UNROLL for (int i = 0; i < kChains; i++) chain[i] = load(start + i * kLanes);
  const f32x16 factor = splat(0.999f), summand = splat(0.001f);
  for (std::int64_t r = 0; r < rounds; r++) {
    for (int u = 0; u < kUnroll; u++) {
      ADZE_UNROLL for (int i = 0; i < kChains; i++) chain[i] = fma(chain[i], factor, summand);
    }
  }
  f32x16 total = chain[0];
  ADZE_UNROLL for (int i = 1; i < kChains; i++) total = total + chain[i];
  *sink = sum(total);
  return rounds * kUnroll * kChains * kLanes * 2;
}

}  // namespace adze::ADZE_TARGET
