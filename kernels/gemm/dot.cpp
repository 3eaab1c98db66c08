#include "kernels/gemm/dot.h"

#include "kernels/gemm/tile.h"

namespace adze {

// In steps of a core that adds 16 products at a time. gemm_f32 takes one for each k of a row, or half of one where half
// registers do, but with a single row it waits four for each; folding a sum takes ten.
bool dots_pay(std::int64_t k, std::int64_t n) {
  if (n >= kBlock) return false;
  constexpr std::int64_t kFold = 10;
  const std::int64_t dots = n * (k / kBlock + kFold), tiles = n <= kHalfBlock ? k / 2 : k;
  return dots <= tiles + tiles / 2;
}

}  // namespace adze
