#include "kernels/gemm/dot.h"

#include <algorithm>

#include "kernels/core/activate.h"
#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

constexpr int kChains = 4;  // of sixteen partial sums
// Sums that run together: columns share the loads of a, rows those of w.
constexpr int kTogether = kRegLanes == kLanes ? 4 : 1;
// Rows whose sums are stored before they are activated in one go.
constexpr std::int64_t kRowsTogether = 64;

// The sums of R rows of a with J of w, one of both being 1.
template <int R, int J>
ADZE_INLINE void dots(const DotArgs& args, std::int64_t row, std::int64_t column) {
  const std::int64_t pitch = dot_pitch(args.k), lda = args.lda;
  const float* a = args.a + row * lda;
  const float* w = args.w + column * pitch;
  f32x16 acc[R * J][kChains];
  ADZE_UNROLL for (int i = 0; i < R * J; i++) { ADZE_UNROLL for (int u = 0; u < kChains; u++) acc[i][u] = splat(0.0f); }
  const auto add = [&](int u, std::int64_t k, int lanes) {
    f32x16 x[R], y[J];
    ADZE_UNROLL for (int r = 0; r < R; r++) x[r] = load_lanes(a + r * lda + k, lanes);
    ADZE_UNROLL for (int j = 0; j < J; j++) y[j] = load(w + j * pitch + k);
    ADZE_UNROLL for (int i = 0; i < R * J; i++) acc[i][u] = fma(x[i / J], y[i % J], acc[i][u]);
  };
  std::int64_t k = 0;
  for (; k + kChains * kLanes <= args.k; k += kChains * kLanes) {
    ADZE_UNROLL for (int u = 0; u < kChains; u++) add(u, k + u * kLanes, kLanes);
  }
  ADZE_UNROLL for (int u = 0; u < kChains; u++) {
    const std::int64_t left = args.k - (k + u * kLanes);
    if (left > 0) add(u, k + u * kLanes, static_cast<int>(std::min<std::int64_t>(left, kLanes)));
  }
  ADZE_UNROLL for (int r = 0; r < R; r++) {
    ADZE_UNROLL for (int j = 0; j < J; j++) {
      const auto& sums = acc[r * J + j];
      float result = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
      if (args.bias) result += args.bias[column + j];
      if (args.residual) result += args.residual[(row + r) * args.ldr + column + j];
      args.c[(row + r) * args.ldc + column + j] = result;
    }
  }
}

void sum_rows(const DotArgs& args, Range rows) {
  std::int64_t i = rows.begin;
  for (; args.n == 1 && i + kTogether <= rows.end; i += kTogether) dots<kTogether, 1>(args, i, 0);
  for (; i < rows.end; i++) {
    std::int64_t j = 0;
    for (; j + kTogether <= args.n; j += kTogether) dots<1, kTogether>(args, i, j);
    for (; j < args.n; j++) dots<1, 1>(args, i, j);
  }
}

void activate_rows(const DotArgs& args, Range rows) {
  const ActivationArgs& f = args.activation;
  const bool flat = args.ldc == args.n;
  const std::int64_t runs = flat ? 1 : rows.size(), length = flat ? rows.size() * args.n : args.n;
  with_activation(f.kind, [&](auto kind) {
    for (std::int64_t i = 0; i < runs; i++) {
      float* c = args.c + (rows.begin + i) * args.ldc;
      for_blocks(length, [&](std::int64_t at, int lanes) {
        store_lanes(c + at, activate<kind()>(load_lanes(c + at, lanes), f.alpha, f.beta), lanes);
      });
    }
  });
}

}  // namespace

void dot_rows(const DotArgs& args, Range rows) {
  for (std::int64_t i = rows.begin; i < rows.end; i += kRowsTogether) {
    const Range some{i, std::min(i + kRowsTogether, rows.end)};
    sum_rows(args, some);
    if (args.activation.kind != Activation::none) activate_rows(args, some);
  }
}

}  // namespace adze::ADZE_TARGET
