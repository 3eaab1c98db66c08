#include "kernels/pool/pool.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, max_pool, const PoolArgs&, Range)
ADZE_DECLARE_VARIANTS(void, average_pool, const PoolArgs&, Range)

namespace {
constexpr Variant<PoolFn> kMax[] = ADZE_VARIANTS(max_pool);
constexpr Variant<PoolFn> kAverage[] = ADZE_VARIANTS(average_pool);
}  // namespace
constexpr KernelTable<PoolFn> max_pool_f32{"max_pool_f32", kMax};
constexpr KernelTable<PoolFn> average_pool_f32{"average_pool_f32", kAverage};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<max_pool_f32>, kernel_info<average_pool_f32>};
}
extern const std::span<const KernelInfo> kernels_pool;
constinit const std::span<const KernelInfo> kernels_pool{kInfos};

}  // namespace adze
