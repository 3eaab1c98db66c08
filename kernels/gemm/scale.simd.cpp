#include "kernels/gemm/scale.h"

#include "kernels/core/simd.h"

namespace adze::ADZE_TARGET {

void scale_b(const ScaleArgs& args) {
  const float* from = args.b;
  float* to = args.dst;
  for (std::int64_t p = 0, panels = panel_count(args.n, args.max_blocks); p < panels; p++) {
    const int blocks = panel_of(p, args.n, args.max_blocks).blocks;
    for (std::int64_t k = 0; k < args.k; k++) {
      const f32x16 factor = splat(args.scale[k]);
      for (int i = 0; i < blocks; i++, from += kBlock, to += kBlock) store(to, load(from) * factor);
    }
  }
}

}  // namespace adze::ADZE_TARGET
