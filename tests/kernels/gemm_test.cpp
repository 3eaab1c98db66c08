#include "kernels/gemm/gemm.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/gemm/scale.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Problem {
  std::int64_t m, n, kc;
  std::int64_t taps = 1;
  bool bias = false, residual = false;
  ActivationArgs activation = {};
  std::int64_t gap = 0;  // floats between the rows of A, of C and of the residual
};

std::ostream& operator<<(std::ostream& out, const Problem& p) {
  return out << "m " << p.m << " n " << p.n << " taps " << p.taps << " kc " << p.kc << " bias " << p.bias
             << " residual " << p.residual << " activation " << static_cast<int>(p.activation.kind) << " gap " << p.gap;
}

std::size_t floats(std::int64_t rows, std::int64_t cols, std::int64_t gap) {
  return rows && cols ? static_cast<std::size_t>(rows * (cols + gap) - gap) : 0;
}

// Operands with nothing readable behind them. Row i of tap t is row (i + t) % m of A, so that rows are shared by taps.
struct Operands {
  Problem p;
  testing::GuardedBuffer<float> a, weights, bias, residual;

  explicit Operands(const Problem& problem)
      : p(problem),
        a(floats(p.m, p.kc, p.gap)),
        weights(static_cast<std::size_t>(p.taps * p.kc * p.n)),
        bias(static_cast<std::size_t>(p.bias ? blocks_of(p.n) * kBlock : 0)),
        residual(p.residual ? floats(p.m, p.n, p.gap) : 0) {
    testing::Random random(static_cast<std::uint64_t>(p.m * 131 + p.n * 17 + p.kc));
    for (auto* operand : {&a, &weights, &bias, &residual}) random.fill(operand->span());
  }

  std::int64_t row(std::int64_t t, std::int64_t i) const { return (i + t) % p.m; }
  float at(std::int64_t t, std::int64_t i, std::int64_t k) const {
    return a[static_cast<std::size_t>(row(t, i) * (p.kc + p.gap) + k)];
  }
  float weight(std::int64_t k, std::int64_t j) const { return weights[static_cast<std::size_t>(k * p.n + j)]; }
};

void scattered_rows(const void* context, Range rows, Range taps, const float** out, std::int64_t stride) {
  const auto& o = *static_cast<const Operands*>(context);
  for (std::int64_t t = taps.begin; t < taps.end; t++) {
    for (std::int64_t i = rows.begin; i < rows.end; i++) {
      out[(t - taps.begin) * stride + (i - rows.begin)] = o.a.data() + o.row(t, i) * (o.p.kc + o.p.gap);
    }
  }
}

// C with its gaps, all NaN before.
std::vector<float> multiply(const Operands& o, const TileSet* tiles, int parts, const GemmOrder& order = {}) {
  const Problem& p = o.p;
  const std::int64_t k = p.taps * p.kc;
  testing::GuardedBuffer packed(static_cast<std::size_t>(packed_b_size(k, p.n))), c(floats(p.m, p.n, p.gap));
  pack_b(k, p.n, tiles->max_blocks, packed.data(), [&](std::int64_t row, std::int64_t j) { return o.weight(row, j); });
  c.poison();
  const GemmArgs args{.m = p.m,
                      .n = p.n,
                      .taps = p.taps,
                      .kc = p.kc,
                      .rows = scattered_rows,
                      .context = &o,
                      .b = packed.data(),
                      .c = c.data(),
                      .ldc = p.n + p.gap,
                      .bias = p.bias ? o.bias.data() : nullptr,
                      .residual = p.residual ? o.residual.data() : nullptr,
                      .ldr = p.n + p.gap,
                      .activation = p.activation,
                      .tiles = tiles,
                      .order = order};
  const CancelFlag cancel;
  for (int part = 0; part < parts; part++) gemm_f32(args, {part, parts}, cancel);
  return {c.span().begin(), c.span().end()};
}

// The contract's own order: one chain of fused multiply-adds from the bias on, then the residual, then clipping.
std::vector<float> chain(const Operands& o) {
  const Problem& p = o.p;
  std::vector<float> c(floats(p.m, p.n, p.gap), std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t i = 0; i < p.m; i++) {
    for (std::int64_t j = 0; j < p.n; j++) {
      const auto at = static_cast<std::size_t>(i * (p.n + p.gap) + j);
      float sum = p.bias ? o.bias[static_cast<std::size_t>(j)] : 0.0f;
      for (std::int64_t t = 0; t < p.taps; t++) {
        for (std::int64_t k = 0; k < p.kc; k++) sum = std::fma(o.at(t, i, k), o.weight(t * p.kc + k, j), sum);
      }
      if (p.residual) sum += o.residual[at];
      if (p.activation.kind == Activation::clip) sum = std::fmin(p.activation.beta, std::fmax(p.activation.alpha, sum));
      c[at] = sum;
    }
  }
  return c;
}

bool same_bytes(const std::vector<float>& x, const std::vector<float>& y) {
  if (x.size() != y.size()) return false;
  for (std::size_t i = 0; i < x.size(); i++) {
    if (std::isnan(x[i]) && std::isnan(y[i])) continue;
    if (std::memcmp(&x[i], &y[i], sizeof(float)) != 0) return false;
  }
  return true;
}

void expect_chain(const Problem& p) {
  const Operands o(p);
  const std::vector<float> want = chain(o);
  for (const auto& variant : gemm_tile_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (const int parts : {1, 2, 5}) {
      ASSERT_TRUE(same_bytes(multiply(o, variant.fn, parts), want))
          << isa_name(variant.isa) << " parts " << parts << ' ' << p;
    }
  }
}

constexpr ActivationArgs kRelu{Activation::clip, 0, kInf}, kRelu6{Activation::clip, 0, 6};

TEST(Gemm, IsTheSameChainInEveryOrder) {
  for (const Problem& p : {Problem{.m = 143, .n = 100, .kc = 40, .taps = 3}, Problem{.m = 36, .n = 210, .kc = 1100},
                           Problem{.m = 7, .n = 70, .kc = 64}, Problem{.m = 310, .n = 17, .kc = 9, .taps = 60},
                           Problem{.m = 1, .n = 130, .kc = 33}}) {
    const Operands o(p);
    const std::vector<float> want = chain(o);
    for (const auto& variant : gemm_tile_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      for (const int parts : {1, 2, 5}) {
        for (const Share share : {Share::by_shape, Share::rows, Share::panels}) {
          for (const int rows : kRowBlocks) {
            ASSERT_TRUE(same_bytes(multiply(o, variant.fn, parts, {share, rows}), want))
                << isa_name(variant.isa) << " parts " << parts << " share " << static_cast<int>(share) << " rows "
                << rows << ' ' << p;
          }
        }
      }
    }
  }
}

TEST(Gemm, IsOneChainOfFusedMultiplyAddsForEveryNumberOfRows) {
  // Panels of one to four blocks, the last one whole, of more than half, of half and of less.
  for (const std::int64_t n : {3, 13, 16, 22, 32, 40, 45, 48, 54, 57, 64, 70}) {
    for (std::int64_t m = 1; m <= 50; m++) expect_chain({.m = m, .n = n, .kc = 9, .bias = true});
  }
}

// Rows that are cut into blocks, up to the longest last ones.
TEST(Gemm, IsOneChainForEveryNumberOfRowBlocks) {
  for (const std::int64_t m : {71, 72, 73, 95, 100, 119, 120, 121, 167, 215}) {
    for (const std::int64_t n : {5, 12, 24, 70}) {
      expect_chain({.m = m, .n = n, .kc = 7, .residual = true, .activation = kRelu, .gap = 2});
    }
  }
  for (const std::int64_t taps : {56, 57}) expect_chain({.m = 71, .n = 20, .kc = 2, .taps = taps, .bias = true});
}

// Where panels are joined. Nine blocks are panels of 4, 3 and 2 with AVX-512.
TEST(Gemm, IsOneChainForFewRowsOfEveryWidth) {
  std::vector<std::int64_t> widths = {251, 256, 261, 272, 320, 515};
  for (std::int64_t n = 1; n <= 9 * kBlock; n++) widths.push_back(n);
  for (const std::int64_t m : {1, 2, 3, 4}) {
    for (const std::int64_t n : widths) {
      expect_chain(
          {.m = m, .n = n, .kc = 7, .bias = n % 2 == 0, .residual = n % 3 == 0, .activation = kRelu, .gap = n % 4});
    }
    for (const std::int64_t n : {128, 144, 261}) {
      expect_chain({.m = m, .n = n, .kc = 3, .taps = 4, .bias = true});
      expect_chain({.m = m, .n = n, .kc = 1100, .bias = true, .residual = true, .activation = kRelu6});
    }
  }
}

TEST(Gemm, IsOneChainForEveryWidth) {
  for (std::int64_t n = 1; n <= 200; n++) {
    expect_chain(
        {.m = 7, .n = n, .kc = 5, .bias = n % 2 == 0, .residual = n % 3 == 0, .activation = kRelu, .gap = n % 4});
  }
}

TEST(Gemm, IsOneChainForEveryDepth) {
  for (const std::int64_t k : testing::sizes_around_powers_of_two(2100)) {
    expect_chain({.m = 6, .n = 33, .kc = k, .bias = true, .residual = true, .gap = 3});
  }
}

TEST(Gemm, IsOneChainAcrossTaps) {
  for (const std::int64_t taps : {2, 9, 25, 49}) {
    for (const std::int64_t kc : {1, 3, 16, 100}) {
      expect_chain({.m = 53, .n = 40, .kc = kc, .taps = taps, .bias = true, .activation = kRelu6, .gap = 1});
    }
  }
  expect_chain({.m = 3, .n = 20, .kc = 600, .taps = 3, .residual = true});
  expect_chain({.m = 3, .n = 20, .kc = 1, .taps = 5000, .bias = true});
}

TEST(Gemm, IsOneChainWhereWeightsOutgrowTheCache) {
  expect_chain({.m = 1, .n = 700, .kc = 700, .bias = true, .activation = kRelu});
  expect_chain({.m = 100, .n = 200, .kc = 1100, .bias = true, .residual = true, .activation = kRelu, .gap = 5});
  for (const std::int64_t n : {5, 24, 40, 56, 103}) expect_chain({.m = 23, .n = n, .kc = 1100, .bias = true});
}

TEST(Gemm, WithoutDepthIsTheBiasAndTheResidual) {
  expect_chain({.m = 5, .n = 20, .kc = 0, .bias = true, .residual = true, .activation = kRelu});
  expect_chain({.m = 5, .n = 20, .kc = 0});
  expect_chain({.m = 5, .n = 20, .kc = 4, .taps = 0, .bias = true});
}

TEST(Gemm, WritesNothingWithoutRowsOrColumns) {
  expect_chain({.m = 0, .n = 20, .kc = 4});
  expect_chain({.m = 5, .n = 0, .kc = 4});
}

TEST(Gemm, KeepsNaNThroughClipping) {
  Operands o({.m = 1, .n = 1, .kc = 1, .activation = kRelu6});
  o.a[0] = std::numeric_limits<float>::quiet_NaN();
  for (const auto& variant : gemm_tile_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    EXPECT_TRUE(std::isnan(multiply(o, variant.fn, 1)[0])) << isa_name(variant.isa);
  }
}

// Every function in the epilogue, against double; the same bytes on every instruction set and for every slicing.
TEST(Gemm, AppliesEveryActivation) {
  struct Function {
    ActivationArgs args;
    double (*reference)(double);
  };
  const Function functions[] = {
      {{Activation::leaky_relu, 0.1f, 0}, [](double x) { return x < 0 ? double{0.1f} * x : x; }},
      {{Activation::hard_sigmoid, 0.2f, 0.5f}, [](double x) { return std::clamp(double{0.2f} * x + 0.5, 0.0, 1.0); }},
      {{Activation::hard_swish}, [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }},
      {{Activation::sigmoid}, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {{Activation::silu}, [](double x) { return x / (1 + std::exp(-x)); }},
      {{Activation::tanh}, [](double x) { return std::tanh(x); }},
      {{Activation::gelu}, [](double x) { return x * (1 + std::erf(x / std::sqrt(2.0))) / 2; }},
      {{Activation::elu, 0.7f, 0}, [](double x) { return x < 0 ? double{0.7f} * std::expm1(x) : x; }},
      {{Activation::softplus}, [](double x) { return std::log1p(std::exp(x)); }},
      {{Activation::mish}, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }},
  };
  for (const Function& f : functions) {
    Problem p{.m = 13, .n = 37, .kc = 20, .bias = true, .residual = true, .gap = 3};
    const std::vector<float> before = chain(Operands(p));
    p.activation = f.args;
    const Operands o(p);
    const std::vector<float> first = multiply(o, gemm_tile_f32.variants.back().fn, 1);
    for (const auto& variant : gemm_tile_f32.variants) {
      if (variant.isa > cpu_isa()) continue;
      for (const int parts : {1, 3})
        ASSERT_TRUE(same_bytes(multiply(o, variant.fn, parts), first)) << isa_name(variant.isa) << ' ' << p;
    }
    for (std::size_t i = 0; i < first.size(); i++) {
      if (std::isnan(before[i])) continue;  // a gap
      const double x = double{before[i]}, want = f.reference(x);
      // A few roundings of terms no larger than |x| + 1.
      ASSERT_NEAR(first[i], want, 8 * 6e-8 * (std::abs(x) + 1)) << "x " << x << ' ' << p;
    }
  }
}

TEST(Gemm, ActivatesOnlyWhatTheLastPartOfASplitSumHasCompleted) {
  Problem p{.m = 5, .n = 20, .kc = 1500, .bias = true, .activation = {Activation::sigmoid}};
  const std::vector<float> got = multiply(Operands(p), gemm_tile_f32.best(cpu_isa()).fn, 1);
  p.activation = {};
  const std::vector<float> before = chain(Operands(p));
  for (std::size_t i = 0; i < got.size(); i++) EXPECT_NEAR(got[i], 1 / (1 + std::exp(-double{before[i]})), 4e-7);
}

// A row's result is the same alone and among others.
TEST(Gemm, RowsDoNotDependOnTheirNumber) {
  const Operands o({.m = 29, .n = 75, .kc = 130, .bias = true});
  for (const auto& variant : gemm_tile_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    const std::vector<float> all = multiply(o, variant.fn, 1);
    testing::GuardedBuffer packed(static_cast<std::size_t>(packed_b_size(130, 75)));
    pack_b(130, 75, variant.fn->max_blocks, packed.data(),
           [&](std::int64_t k, std::int64_t j) { return o.weight(k, j); });
    for (std::int64_t i = 0; i < 29; i++) {
      std::array<float, 75> c;
      const MatrixRows rows{o.a.data() + i * 130, 130};
      const GemmArgs args{.m = 1,
                          .n = 75,
                          .taps = 1,
                          .kc = 130,
                          .rows = matrix_rows,
                          .context = &rows,
                          .b = packed.data(),
                          .c = c.data(),
                          .ldc = 75,
                          .bias = o.bias.data(),
                          .residual = nullptr,
                          .ldr = 0,
                          .activation = {},
                          .tiles = variant.fn};
      gemm_f32(args, {}, CancelFlag());
      ASSERT_EQ(std::memcmp(c.data(), all.data() + i * 75, sizeof(c)), 0) << isa_name(variant.isa) << " row " << i;
    }
  }
}

TEST(Gemm, StopsWhenCancelled) {
  const Operands o({.m = 64, .n = 64, .kc = 8});
  CancelFlag cancel;
  cancel.request();
  const TileSet* tiles = gemm_tile_f32.best(cpu_isa()).fn;
  std::vector<float> c(64 * 64, 1.0f);
  const std::vector<float> untouched = c, packed(static_cast<std::size_t>(packed_b_size(8, 64)));
  const GemmArgs args{.m = 64,
                      .n = 64,
                      .taps = 1,
                      .kc = 8,
                      .rows = scattered_rows,
                      .context = &o,
                      .b = packed.data(),
                      .c = c.data(),
                      .ldc = 64,
                      .bias = nullptr,
                      .residual = nullptr,
                      .ldr = 0,
                      .activation = {},
                      .tiles = tiles};
  gemm_f32(args, {}, cancel);
  EXPECT_EQ(c, untouched);
}

TEST(PackedPanels, AreScaledRowByRow) {
  for (const auto& variant : scale_b_f32.variants) {
    if (variant.isa > cpu_isa()) continue;
    for (const int max_blocks : {1, 4}) {
      for (const std::int64_t n : {1, 16, 40, 80, 150}) {
        const std::int64_t k = 19;
        testing::Random random(static_cast<std::uint64_t>(n));
        testing::GuardedBuffer scale(static_cast<std::size_t>(k));
        std::vector<float> weights(static_cast<std::size_t>(k * n));
        random.fill(scale.span());
        random.fill(weights);
        const auto at = [&](std::int64_t i, std::int64_t j) { return weights[static_cast<std::size_t>(i * n + j)]; };
        const auto packed = static_cast<std::size_t>(packed_b_size(k, n));
        testing::GuardedBuffer b(packed), want(packed), got(packed);
        pack_b(k, n, max_blocks, b.data(), at);
        pack_b(k, n, max_blocks, want.data(),
               [&](std::int64_t i, std::int64_t j) { return at(i, j) * scale[static_cast<std::size_t>(i)]; });
        got.poison();
        variant.fn({b.data(), scale.data(), got.data(), k, n, max_blocks});
        for (std::size_t i = 0; i < packed; i++) ASSERT_EQ(got[i], want[i]) << isa_name(variant.isa) << " n " << n;
      }
    }
  }
}

TEST(PackedPanels, CoverEveryBlockOnceInOrder) {
  for (const int max_blocks : {1, 4}) {
    for (std::int64_t n = 1; n <= 700; n++) {
      std::int64_t next = 0;
      for (std::int64_t p = 0; p < panel_count(n, max_blocks); p++) {
        const Panel panel = panel_of(p, n, max_blocks);
        ASSERT_EQ(panel.first_block, next) << "n " << n;
        ASSERT_GE(panel.blocks, 1);
        ASSERT_LE(panel.blocks, max_blocks);
        next += panel.blocks;
      }
      ASSERT_EQ(next, blocks_of(n)) << "n " << n;
    }
  }
}

}  // namespace
}  // namespace adze
