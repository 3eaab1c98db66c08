#include "kernels/reduce/reduce.h"

#include <algorithm>

namespace adze {

ADZE_DECLARE_VARIANTS(void, reduce_rows, ReduceOp, const float*, float*, std::int64_t, std::int64_t)
ADZE_DECLARE_VARIANTS(void, reduce_columns, ReduceOp, const float*, std::int64_t, float*, std::int64_t, std::int64_t)

namespace {
constexpr Variant<ReduceRowsFn> kRows[] = ADZE_VARIANTS(reduce_rows);
constexpr Variant<ReduceColumnsFn> kColumns[] = ADZE_VARIANTS(reduce_columns);
}  // namespace
constexpr KernelTable<ReduceRowsFn> reduce_rows_f32{"reduce_rows_f32", kRows};
constexpr KernelTable<ReduceColumnsFn> reduce_columns_f32{"reduce_columns_f32", kColumns};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<reduce_rows_f32>, kernel_info<reduce_columns_f32>};
}
extern const std::span<const KernelInfo> kernels_reduce;
constinit const std::span<const KernelInfo> kernels_reduce{kInfos};

Range reduce_columns(ReduceColumnsFn kernel, ReduceOp op, const float* src, float* dst, const ReducePlanes& planes,
                     Slice slice) {
  constexpr std::int64_t kCacheLine = 16;
  const Range mine = slice.of(planes.outer * planes.inner, kCacheLine);
  for (std::int64_t at = mine.begin, count = 0; at < mine.end; at += count) {
    const std::int64_t plane = at / planes.inner, column = at % planes.inner;
    count = std::min(planes.inner - column, mine.end - at);
    kernel(op, src + plane * planes.r * planes.inner + column, planes.inner, dst + at, planes.r, count);
  }
  return mine;
}

}  // namespace adze
