// A convolution whose shapes have been checked, and what all the ways to run it share.
#pragma once

#include "graph/op.h"
#include "graph/window.h"
#include "kernels/conv/geometry.h"

namespace adze {

struct ConvProblem {
  Image src, dst;
  Window window;
  std::int64_t groups;

  std::int64_t group_ic() const { return src.c / groups; }
  std::int64_t group_oc() const { return dst.c / groups; }
  bool depthwise() const { return groups == src.c && dst.c == src.c && groups > 1; }
  bool pointwise() const {
    const ConvGeometry g = geometry();
    return groups == 1 && g.taps() == 1 && volume(g.stride) == 1 && g.in == g.out;
  }
  double flops() const {
    const ConvGeometry g = geometry();
    return 2.0 * static_cast<double>(g.pixels() * g.taps()) * static_cast<double>(group_ic() * dst.c);
  }
  ConvGeometry geometry() const {
    return {src.n,
            padded(src.spatial, 1),
            padded(dst.spatial, 1),
            padded(window.kernel, 1),
            padded(window.stride, 1),
            padded(window.dilation, 1),
            padded(window.pad_begin, 0),
            group_ic(),
            src.c};
  }
};

Result<ConvProblem> conv_problem(const Node& node, const Shape& x, const Shape& w);

// A bias group by group, each rounded up to whole blocks of 16. REQUIRES: zeroed dst.
void spread_bias(const float* bias, std::int64_t group_oc, std::int64_t groups, float* dst);

// Input 2 in that form where it is constant, or null.
Result<const float*> packed_bias(const PrepareContext& context, std::int64_t group_oc, std::int64_t groups);

}  // namespace adze
