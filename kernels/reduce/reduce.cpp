#include "kernels/reduce/reduce.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, reduce_rows, ReduceOp, const float*, float*, std::int64_t, std::int64_t)
ADZE_DECLARE_VARIANTS(void, reduce_columns, ReduceOp, const float*, float*, std::int64_t, std::int64_t)

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

}  // namespace adze
