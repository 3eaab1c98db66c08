// Rows of any length in blocks of sixteen. For variant sources only.
#pragma once

#include "kernels/core/simd.h"

namespace adze::ADZE_TARGET {

// Calls f(offset, lanes) for offset 0, 16, ...; lanes is 16 but for a shorter last block.
template <class F>
static ADZE_INLINE void for_blocks(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, kLanes);
  const int rest = static_cast<int>(n - i);
  if (rest <= 0) return;
  if (rest >= kLanes) __builtin_unreachable();  // so that f need not ask whether its block is whole
  f(i, rest);
}

static ADZE_INLINE f32x16 load_lanes(const float* p, int lanes) {
  return lanes == kLanes ? load(p) : load_partial(p, lanes);
}
static ADZE_INLINE void store_lanes(float* p, const f32x16& a, int lanes) {
  if (lanes == kLanes) {
    store(p, a);
  } else {
    store_partial(p, a, lanes);
  }
}

// `a` with the lanes from `lanes` on replaced by `rest`, a reduction's neutral element.
static ADZE_INLINE f32x16 keep_lanes(const f32x16& a, int lanes, float rest) {
  return lanes == kLanes ? a : select(first_lanes(lanes), a, splat(rest));
}

}  // namespace adze::ADZE_TARGET
