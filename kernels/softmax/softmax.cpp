#include "kernels/softmax/softmax.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, softmax_rows, const float*, std::int64_t, float*, std::int64_t, std::int64_t, std::int64_t,
                      bool)
ADZE_DECLARE_VARIANTS(void, softmax_columns, const float*, float*, std::int64_t, std::int64_t, std::int64_t, bool)

namespace {
constexpr Variant<SoftmaxRowsFn> kSoftmaxRows[] = ADZE_VARIANTS(softmax_rows);
constexpr Variant<SoftmaxColumnsFn> kSoftmaxColumns[] = ADZE_VARIANTS(softmax_columns);
}  // namespace
constexpr KernelTable<SoftmaxRowsFn> softmax_rows_f32{"softmax_rows_f32", kSoftmaxRows};
constexpr KernelTable<SoftmaxColumnsFn> softmax_columns_f32{"softmax_columns_f32", kSoftmaxColumns};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<softmax_rows_f32>, kernel_info<softmax_columns_f32>};
}
extern const std::span<const KernelInfo> kernels_softmax;
constinit const std::span<const KernelInfo> kernels_softmax{kInfos};

}  // namespace adze
