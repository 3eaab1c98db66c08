#include "kernels/registry.h"

#include <span>

namespace adze {

#define ADZE_KERNELS(family) extern const std::span<const KernelInfo> kernels_##family;
#include "kernel_list.inc"
#undef ADZE_KERNELS

std::vector<KernelInfo> all_kernels() {
  std::vector<KernelInfo> all;
#define ADZE_KERNELS(family) all.insert(all.end(), kernels_##family.begin(), kernels_##family.end());
#include "kernel_list.inc"
#undef ADZE_KERNELS
  return all;
}

}  // namespace adze
