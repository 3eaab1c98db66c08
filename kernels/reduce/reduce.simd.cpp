#include "kernels/reduce/reduce.h"

#include <limits>

#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

template <ReduceOp Op>
constexpr float kNeutral = Op == ReduceOp::max   ? -std::numeric_limits<float>::infinity()
                           : Op == ReduceOp::min ? std::numeric_limits<float>::infinity()
                                                 : 0.0f;

template <ReduceOp Op>
ADZE_INLINE f32x16 step(const f32x16& acc, const f32x16& x) {
  if constexpr (Op == ReduceOp::sum) return acc + x;
  if constexpr (Op == ReduceOp::abs_sum) return acc + abs(x);
  if constexpr (Op == ReduceOp::square_sum) return fma(x, x, acc);
  if constexpr (Op == ReduceOp::max) return max_nan(acc, x);
  if constexpr (Op == ReduceOp::min) return min_nan(acc, x);
}

template <ReduceOp Op>
ADZE_INLINE float across(const f32x16& acc) {
  if constexpr (Op == ReduceOp::max) return max_of(acc);
  if constexpr (Op == ReduceOp::min) return min_of(acc);
  return sum(acc);
}

template <ReduceOp Op>
void rows_as(const float* src, float* dst, std::int64_t rows, std::int64_t r) {
  for (std::int64_t row = 0; row < rows; row++, src += r) {
    f32x16 acc = splat(kNeutral<Op>);
    for_blocks(r, [&](std::int64_t i, int lanes) {
      acc = step<Op>(acc, keep_lanes(load_lanes(src + i, lanes), lanes, kNeutral<Op>));
    });
    dst[row] = across<Op>(acc);
  }
}

// `Blocks` blocks of columns at a time: their chains hide the addition's latency, and each row gives more than a cache
// line.
template <ReduceOp Op, int Blocks>
ADZE_INLINE void column_blocks(const float* src, std::int64_t pitch, float* dst, std::int64_t r) {
  f32x16 acc[Blocks];
  ADZE_UNROLL for (int b = 0; b < Blocks; b++) acc[b] = splat(kNeutral<Op>);
  for (std::int64_t row = 0; row < r; row++, src += pitch) {
    ADZE_UNROLL for (int b = 0; b < Blocks; b++) acc[b] = step<Op>(acc[b], load(src + b * kLanes));
  }
  ADZE_UNROLL for (int b = 0; b < Blocks; b++) store(dst + b * kLanes, acc[b]);
}

template <ReduceOp Op>
void columns_as(const float* src, std::int64_t pitch, float* dst, std::int64_t r, std::int64_t inner) {
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= inner; i += 4 * kLanes) column_blocks<Op, 4>(src + i, pitch, dst + i, r);
  for (; i + 2 * kLanes <= inner; i += 2 * kLanes) column_blocks<Op, 2>(src + i, pitch, dst + i, r);
  for (; i + kLanes <= inner; i += kLanes) column_blocks<Op, 1>(src + i, pitch, dst + i, r);
  if (i == inner) return;
  const int lanes = static_cast<int>(inner - i);
  f32x16 acc = splat(kNeutral<Op>);
  for (std::int64_t row = 0; row < r; row++) acc = step<Op>(acc, load_partial(src + row * pitch + i, lanes));
  store_partial(dst + i, acc, lanes);
}

}  // namespace

void reduce_rows(ReduceOp op, const float* src, float* dst, std::int64_t rows, std::int64_t r) {
  switch (op) {
    case ReduceOp::sum:
      return rows_as<ReduceOp::sum>(src, dst, rows, r);
    case ReduceOp::abs_sum:
      return rows_as<ReduceOp::abs_sum>(src, dst, rows, r);
    case ReduceOp::square_sum:
      return rows_as<ReduceOp::square_sum>(src, dst, rows, r);
    case ReduceOp::max:
      return rows_as<ReduceOp::max>(src, dst, rows, r);
    case ReduceOp::min:
      return rows_as<ReduceOp::min>(src, dst, rows, r);
  }
}

void reduce_columns(ReduceOp op, const float* src, std::int64_t pitch, float* dst, std::int64_t r, std::int64_t inner) {
  switch (op) {
    case ReduceOp::sum:
      return columns_as<ReduceOp::sum>(src, pitch, dst, r, inner);
    case ReduceOp::abs_sum:
      return columns_as<ReduceOp::abs_sum>(src, pitch, dst, r, inner);
    case ReduceOp::square_sum:
      return columns_as<ReduceOp::square_sum>(src, pitch, dst, r, inner);
    case ReduceOp::max:
      return columns_as<ReduceOp::max>(src, pitch, dst, r, inner);
    case ReduceOp::min:
      return columns_as<ReduceOp::min>(src, pitch, dst, r, inner);
  }
}

}  // namespace adze::ADZE_TARGET
