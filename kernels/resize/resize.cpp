#include "kernels/resize/resize.h"

namespace adze {

ADZE_DECLARE_VARIANTS(void, blend_rows, const float* const*, const float*, std::int64_t, float*, std::int64_t)
ADZE_DECLARE_VARIANTS(void, resize_row, const ResizeTap*, const float*, float, const float*, float*, std::int64_t,
                      std::int64_t, std::int64_t)

namespace {
constexpr Variant<BlendRowsFn> kBlendRows[] = ADZE_VARIANTS(blend_rows);
constexpr Variant<ResizeRowFn> kResizeRow[] = ADZE_VARIANTS(resize_row);
}  // namespace
constexpr KernelTable<BlendRowsFn> blend_rows_f32{"blend_rows_f32", kBlendRows};
constexpr KernelTable<ResizeRowFn> resize_row_f32{"resize_row_f32", kResizeRow};

namespace {
constexpr KernelInfo kInfos[] = {kernel_info<blend_rows_f32>, kernel_info<resize_row_f32>};
}
extern const std::span<const KernelInfo> kernels_resize;
constinit const std::span<const KernelInfo> kernels_resize{kInfos};

}  // namespace adze
