#include "kernels/norm/norm.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, scale_shift, const float*, std::int64_t, const float*, const float*, float*, std::int64_t,
                      std::int64_t)
ADZE_DECLARE_VARIANTS(void, norm_rows, const NormArgs&, const float*, float*, std::int64_t, std::int64_t)
ADZE_DECLARE_VARIANTS(void, deviation, const float*, const float*, float*, std::int64_t, std::int64_t)
ADZE_DECLARE_VARIANTS(void, lrn_rows, const LrnArgs&, const float*, float*, std::int64_t, std::int64_t)

namespace {
constexpr Variant<ScaleShiftFn> kScaleShift[] = ADZE_VARIANTS(scale_shift);
constexpr Variant<NormRowsFn> kNormRows[] = ADZE_VARIANTS(norm_rows);
constexpr Variant<DeviationFn> kDeviation[] = ADZE_VARIANTS(deviation);
constexpr Variant<LrnRowsFn> kLrnRows[] = ADZE_VARIANTS(lrn_rows);
}  // namespace
constexpr KernelTable<ScaleShiftFn> scale_shift_f32{"scale_shift_f32", kScaleShift};
constexpr KernelTable<NormRowsFn> norm_rows_f32{"norm_rows_f32", kNormRows};
constexpr KernelTable<DeviationFn> deviation_f32{"deviation_f32", kDeviation};
constexpr KernelTable<LrnRowsFn> lrn_rows_f32{"lrn_rows_f32", kLrnRows};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<scale_shift_f32>, kernel_info<norm_rows_f32>, kernel_info<deviation_f32>,
                                 kernel_info<lrn_rows_f32>};
}
extern const std::span<const KernelInfo> kernels_norm;
constinit const std::span<const KernelInfo> kernels_norm{kInfos};

}  // namespace adze
