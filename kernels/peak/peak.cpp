#include "kernels/peak/peak.h"

namespace adze {

ADZE_DECLARE_VARIANTS(std::int64_t, fma_peak, std::int64_t, float*)

namespace {
constexpr Variant<FmaPeakFn> kVariants[] = ADZE_VARIANTS(fma_peak);
}
constexpr KernelTable<FmaPeakFn> fma_peak_f32{"fma_peak_f32", kVariants};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<fma_peak_f32>};
}
extern const std::span<const KernelInfo> kernels_peak;
constinit const std::span<const KernelInfo> kernels_peak{kInfos};

}  // namespace adze
