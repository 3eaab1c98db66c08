#include "bench/kernels/conv_problem.h"

namespace adze::bench {

ConvGeometry geometry_of(const ConvShape& s) {
  ConvGeometry g;
  const std::int64_t pad = s.padded ? s.kh / 2 : 0;
  g.in = {1, s.h, s.w};
  g.kernel = {1, s.kh, s.kh};
  g.stride = {1, s.stride, s.stride};
  g.pad = {0, pad, pad};
  g.out = {1, (s.h + 2 * pad - s.kh) / s.stride + 1, (s.w + 2 * pad - s.kh) / s.stride + 1};
  g.ic = s.ic / s.groups;
  g.ic_pitch = s.ic;
  return g;
}

namespace {

bool inside(std::int64_t position, std::int64_t size) { return position >= 0 && position < size; }

}  // namespace

ConvProblem::ConvProblem(const ConvShape& s)
    : shape(s),
      geometry(geometry_of(s)),
      src(Floats::random(s.h * s.w * s.ic, 1)),
      weights(Floats::random(geometry.taps() * geometry.ic * s.oc, 2)) {}

Sum ConvProblem::output(std::int64_t pixel, std::int64_t o) const {
  const ConvGeometry& g = geometry;
  const std::int64_t first = o / (shape.oc / shape.groups) * g.ic;
  const std::int64_t top = pixel / g.out[2] * g.stride[1] - g.pad[1];
  const std::int64_t left = pixel % g.out[2] * g.stride[2] - g.pad[2];
  Sum sum;
  for (std::int64_t t = 0; t < g.taps(); t++) {
    const std::int64_t y = top + t / g.kernel[2], x = left + t % g.kernel[2];
    if (!inside(y, g.in[1]) || !inside(x, g.in[2])) continue;
    for (std::int64_t i = 0; i < g.ic; i++) {
      sum.add(src[(y * g.in[2] + x) * g.ic_pitch + first + i], weights[(t * g.ic + i) * shape.oc + o]);
    }
  }
  return sum;
}

bool ConvProblem::solved_by(const Floats& dst, std::int64_t steps) const {
  for (const std::int64_t pixel : samples(geometry.pixels())) {
    for (const std::int64_t o : samples(shape.oc)) {
      if (!output(pixel, o).agrees(dst[pixel * shape.oc + o], steps)) return false;
    }
  }
  return true;
}

Subject conv_subject(const ConvShape& s, std::function<std::unique_ptr<Job>(std::size_t row)> prepare) {
  const ConvGeometry g = geometry_of(s);
  const std::string kernel = std::to_string(s.kh) + "x" + std::to_string(s.kh);
  const std::string stride = s.stride > 1 ? " s" + std::to_string(s.stride) : "";
  const std::string channels = std::to_string(s.ic) + "-" + std::to_string(s.oc);
  return {std::string(s.model) + "/" + std::string(s.layer),
          kernel + stride + " " + channels + " @" + std::to_string(s.h) + "x" + std::to_string(s.w),
          2.0 * static_cast<double>(g.pixels() * s.oc) * static_cast<double>(g.taps() * g.ic), std::move(prepare)};
}

}  // namespace adze::bench
