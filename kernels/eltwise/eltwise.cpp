#include "kernels/eltwise/eltwise.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, activate_all, ActivationArgs, const float*, float*, std::int64_t)
ADZE_DECLARE_VARIANTS(void, unary_all, UnaryOp, const float*, float*, std::int64_t)
ADZE_DECLARE_VARIANTS(void, binary_all, BinaryOp, const float*, int, const float*, int, float*, std::int64_t)

namespace {
constexpr Variant<ActivateFn> kActivate[] = ADZE_VARIANTS(activate_all);
constexpr Variant<UnaryFn> kUnary[] = ADZE_VARIANTS(unary_all);
constexpr Variant<BinaryFn> kBinary[] = ADZE_VARIANTS(binary_all);
}  // namespace
constexpr KernelTable<ActivateFn> activate_f32{"activate_f32", kActivate};
constexpr KernelTable<UnaryFn> unary_f32{"unary_f32", kUnary};
constexpr KernelTable<BinaryFn> binary_f32{"binary_f32", kBinary};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<activate_f32>, kernel_info<unary_f32>, kernel_info<binary_f32>};
}
extern const std::span<const KernelInfo> kernels_eltwise;
constinit const std::span<const KernelInfo> kernels_eltwise{kInfos};

}  // namespace adze
