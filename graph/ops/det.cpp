// Det: determinants of square matrices in the last two axes, by elimination with pivots, in double.
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t count, n;
};

Result<void> infer(InferContext& context) {
  const Shape& data = context.shape(0);
  const int rank = data.rank();
  if (rank < 2 || data[rank - 1] != data[rank - 2]) {
    return make_error(Code::invalid_model, "shape ", to_string(data), " holds no square matrices");
  }
  context.set_shape(0, Shape(data.dims().first(static_cast<std::size_t>(rank - 2))));
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const auto rank = static_cast<std::size_t>(context.shape(0).rank());
  std::vector<bool> gone(rank);
  gone[rank - 1] = gone[rank - 2] = true;
  return lanes_reduced(context, lanes_except(context, gone).inputs[0], gone);
}

double determinant(double* a, std::int64_t n) {
  double det = 1;
  for (std::int64_t k = 0; k < n; k++) {
    std::int64_t pivot = k;
    for (std::int64_t i = k + 1; i < n; i++) {
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    }
    if (pivot != k) {
      std::swap_ranges(a + k * n, a + (k + 1) * n, a + pivot * n);
      det = -det;
    }
    det *= a[k * n + k];
    if (a[k * n + k] == 0) return 0;
    for (std::int64_t i = k + 1; i < n; i++) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (std::int64_t j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return det;
}

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.count);
  auto* matrix = reinterpret_cast<double*>(call.scratch);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const T* src = call.in<T>() + i * args.n * args.n;
      for (std::int64_t k = 0; k < args.n * args.n; k++)
        matrix[k] = static_cast<double>(static_cast<Compute<T>>(src[k]));
      call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(determinant(matrix, args.n)));
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const std::int64_t n = context.in(0).shape.back();
  Step step = make_step<run>(Args{context.in(0).type, context.out().elements(), n}, "det");
  step.scratch_bytes = static_cast<std::size_t>(n * n) * sizeof(double);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(context.out().elements(), 1, 256));
  return step;
}

constexpr int kVersions[] = {11, 22};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "Det",
                           .versions = kVersions,
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_det;
constinit const std::span<const OpDef> ops_det{kOps};

}  // namespace adze
