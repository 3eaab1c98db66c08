#include "graph/conv/problem.h"

#include <algorithm>

#include "kernels/gemm/gemm.h"

namespace adze {

Result<ConvProblem> conv_problem(const Node& node, const Shape& x, const Shape& w) {
  ConvProblem p;
  ADZE_TRY(p.src, Image::of(x, node.channels_last && !node.planar_source));
  p.groups = node.attributes.integer("group", 1);
  if (w.rank() != x.rank()) return make_error(Code::invalid_model, "weights have rank ", w.rank(), ", not ", x.rank());
  if (w[1] * p.groups != p.src.c || w[0] % p.groups != 0) {
    return make_error(Code::invalid_model, "weights ", to_string(w), " in ", p.groups, " groups don't fit ", p.src.c,
                      " channels");
  }
  const std::vector<std::int64_t> kernel(w.begin() + 2, w.end());
  if (std::ranges::count(kernel, 0)) return make_error(Code::invalid_model, "the kernel is empty");
  ADZE_TRY(p.window, read_window(node, p.src.axes(), kernel));
  p.dst = {p.src.n, w[0], {}};
  ADZE_TRY(p.dst.spatial, slide(node, p.window, p.src.spatial, false));
  for (std::size_t axis = 0; axis < kernel.size(); axis++) {
    if (p.window.pad_begin[axis] < 0 || p.window.pad_end[axis] < 0) {
      return make_error(Code::unsupported, "negative padding is not supported");
    }
  }
  return p;
}

void spread_bias(const float* bias, std::int64_t group_oc, std::int64_t groups, float* dst) {
  const std::int64_t pitch = blocks_of(group_oc) * kBlock;
  for (std::int64_t o = 0; o < group_oc * groups; o++) dst[o / group_oc * pitch + o % group_oc] = bias[o];
}

Result<const float*> packed_bias(const PrepareContext& context, std::int64_t group_oc, std::int64_t groups) {
  if (!context.has(2) || !context.in(2).value) return nullptr;
  const std::int64_t pitch = blocks_of(group_oc) * kBlock;
  const auto bytes = static_cast<std::size_t>(groups * pitch) * sizeof(float);
  ADZE_TRY(const std::byte* packed, context.pack(2, concat("bias/", groups), bytes, [&](std::byte* out) {
    spread_bias(context.in(2).value->as<float>().data(), group_oc, groups, reinterpret_cast<float*>(out));
  }));
  return reinterpret_cast<const float*>(packed);
}

}  // namespace adze
