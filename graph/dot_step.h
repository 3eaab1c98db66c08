// Products with fewer columns than a vector has lanes (kernels/gemm/dot.h), for whatever node has one.
#pragma once

#include "graph/op.h"
#include "kernels/gemm/dot.h"

namespace adze {

// m rows of input 0 times the constant input 1. `args` says n and k and holds the bias; `pack` writes the kernel's
// weights, kept under `format`. Honours the node's activation and residual, and pitches of the
// source, the residual and the result.
// REQUIRES: f32; dots_pay(args.k, args.n).
Result<Step> dot_step(PrepareContext& context, std::int64_t m, DotArgs args, std::string_view format,
                      const std::function<void(float* w)>& pack);

}  // namespace adze
