// All kernel tables, for `adze hw`. Every family folder kernels/F defines kernels_F; the build lists the folders.
#pragma once

#include <vector>

#include "kernels/core/table.h"

namespace adze {

std::vector<KernelInfo> all_kernels();

}  // namespace adze
