#include <span>

#include "kernels/core/table.h"

namespace adze {
extern const std::span<const KernelInfo> kernels_resize;
constinit const std::span<const KernelInfo> kernels_resize{};
}
