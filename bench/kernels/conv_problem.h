// Operands of a convolution and what its outputs should be, shared by every family that computes one.
#pragma once

#include <string>

#include "bench/kernels/family.h"
#include "bench/kernels/operands.h"
#include "bench/kernels/shapes.h"
#include "kernels/conv/geometry.h"

namespace adze::bench {

// Of one group.
ConvGeometry geometry_of(const ConvShape& s);

struct ConvProblem {
  explicit ConvProblem(const ConvShape& s);

  ConvShape shape;
  ConvGeometry geometry;
  Floats src;      // [h, w, ic]
  Floats weights;  // [kh, kw, ic / groups, oc]

  // Output channel o of an output pixel.
  Sum output(std::int64_t pixel, std::int64_t o) const;
  std::int64_t steps() const { return geometry.taps() * geometry.ic; }
  // Whether sampled outputs, of [pixels, oc], agree within `steps` roundings.
  bool solved_by(const Floats& dst, std::int64_t steps) const;
};

// The subject of a shape; `prepare` makes the job of a row.
Subject conv_subject(const ConvShape& s, std::function<std::unique_ptr<Job>(std::size_t row)> prepare);

}  // namespace adze::bench
