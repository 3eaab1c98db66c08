// Operators over time: LSTM, GRU, RNN, attention, Fourier transforms, einsum; against sums written out here.
#include <cmath>
#include <numbers>

#include "tests/support/op_runner.h"
#include "tests/support/random.h"

namespace adze::testing {
namespace {

Tensor noise(const Shape& shape, std::uint64_t seed) {
  auto made = Tensor::allocate(DType::f32, shape);
  Random random(seed);
  random.fill({made.as<float>(), static_cast<std::size_t>(shape.elements())});
  return made.tensor;
}

double at(const Tensor& t, std::int64_t i) { return static_cast<double>(t.as<float>()[static_cast<std::size_t>(i)]); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

constexpr std::int64_t kSteps = 4, kBatch = 3, kIn = 2, kHidden = 5;

// One gate's product for batch row n, step t and hidden unit j, biases included.
double gate(const Tensor& x, const Tensor& w, const Tensor& r, const Tensor& b, const std::vector<double>& h,
            std::int64_t gates, std::int64_t g, std::int64_t t, std::int64_t n, std::int64_t j) {
  const std::int64_t row = g * kHidden + j;
  double sum = at(b, row) + at(b, gates * kHidden + row);
  for (std::int64_t k = 0; k < kIn; k++) sum += at(x, (t * kBatch + n) * kIn + k) * at(w, row * kIn + k);
  for (std::int64_t k = 0; k < kHidden; k++) sum += at(r, row * kHidden + k) * h[static_cast<std::size_t>(k)];
  return sum;
}

TEST(Recurrent, LstmMatchesItsEquations) {
  const Tensor x = noise({kSteps, kBatch, kIn}, 1), w = noise({1, 4 * kHidden, kIn}, 2);
  const Tensor r = noise({1, 4 * kHidden, kHidden}, 3), b = noise({1, 8 * kHidden}, 4);
  const std::vector<std::int32_t> lengths = {4, 2, 0};
  const auto y = run_op_outputs("LSTM", 14, {{"hidden_size", kHidden}},
                                {x, w, r, b, Tensor::from<std::int32_t>({kBatch}, lengths)}, 3);
  for (std::int64_t n = 0; n < kBatch; n++) {
    std::vector<double> h(kHidden, 0), c(kHidden, 0);
    for (std::int64_t t = 0; t < kSteps; t++) {
      const bool inside = t < lengths[static_cast<std::size_t>(n)];
      std::vector<double> next = h;
      for (std::int64_t j = 0; j < kHidden && inside; j++) {
        const auto g = [&](std::int64_t i) { return gate(x, w, r, b, h, 4, i, t, n, j); };  // i o f c
        double& cell = c[static_cast<std::size_t>(j)];
        cell = sigmoid(g(2)) * cell + sigmoid(g(0)) * std::tanh(g(3));
        next[static_cast<std::size_t>(j)] = sigmoid(g(1)) * std::tanh(cell);
      }
      h = next;
      for (std::int64_t j = 0; j < kHidden; j++) {
        ASSERT_NEAR(at(y[0], (t * kBatch + n) * kHidden + j), inside ? h[static_cast<std::size_t>(j)] : 0, 1e-6);
      }
    }
    for (std::int64_t j = 0; j < kHidden; j++) {
      ASSERT_NEAR(at(y[1], n * kHidden + j), h[static_cast<std::size_t>(j)], 1e-6);
      ASSERT_NEAR(at(y[2], n * kHidden + j), c[static_cast<std::size_t>(j)], 1e-6);
    }
  }
}

TEST(Recurrent, GruResetsBeforeOrBehindTheProduct) {
  const Tensor x = noise({kSteps, kBatch, kIn}, 5), w = noise({1, 3 * kHidden, kIn}, 6);
  const Tensor r = noise({1, 3 * kHidden, kHidden}, 7), b = noise({1, 6 * kHidden}, 8);
  for (const std::int64_t behind : {0, 1}) {
    const auto y =
        run_op_outputs("GRU", 14, {{"hidden_size", kHidden}, {"linear_before_reset", behind}}, {x, w, r, b}, 2);
    for (std::int64_t n = 0; n < kBatch; n++) {
      std::vector<double> h(kHidden, 0);
      for (std::int64_t t = 0; t < kSteps; t++) {
        std::vector<double> next = h, reset(kHidden), gated(kHidden);
        for (std::int64_t j = 0; j < kHidden; j++) {
          reset[static_cast<std::size_t>(j)] = sigmoid(gate(x, w, r, b, h, 3, 1, t, n, j));
          gated[static_cast<std::size_t>(j)] = reset[static_cast<std::size_t>(j)] * h[static_cast<std::size_t>(j)];
        }
        for (std::int64_t j = 0; j < kHidden; j++) {
          const auto i = static_cast<std::size_t>(j);
          const double z = sigmoid(gate(x, w, r, b, h, 3, 0, t, n, j));
          double candidate = gate(x, w, r, b, gated, 3, 2, t, n, j);
          if (behind) {
            const double input =
                gate(x, w, r, b, std::vector<double>(kHidden, 0), 3, 2, t, n, j) - at(b, 5 * kHidden + j);
            candidate = input + reset[i] * (gate(x, w, r, b, h, 3, 2, t, n, j) - input);
          }
          next[i] = (1 - z) * std::tanh(candidate) + z * h[i];
        }
        h = next;
      }
      for (std::int64_t j = 0; j < kHidden; j++)
        ASSERT_NEAR(at(y[1], n * kHidden + j), h[static_cast<std::size_t>(j)], 1e-6);
    }
  }
}

TEST(Recurrent, BothDirectionsAreTheTwoOneByOne) {
  const Tensor x = noise({kSteps, kBatch, kIn}, 9), w = noise({2, kHidden, kIn}, 10),
               r = noise({2, kHidden, kHidden}, 11);
  const auto half = [](const Tensor& t, std::int64_t d) {
    Shape shape = t.shape();
    shape[0] = 1;
    return Tensor::from<float>(shape, t.as<float>().subspan(static_cast<std::size_t>(d * shape.elements()),
                                                            static_cast<std::size_t>(shape.elements())));
  };
  const auto run = [&](const std::string& direction, const Tensor& w1, const Tensor& r1) {
    return run_op("RNN", 14, {{"hidden_size", kHidden}, {"direction", direction}}, {x, w1, r1});
  };
  const Tensor both = run("bidirectional", w, r), forward = run("forward", half(w, 0), half(r, 0)),
               reverse = run("reverse", half(w, 1), half(r, 1));
  for (std::int64_t t = 0; t < kSteps; t++) {
    for (std::int64_t i = 0; i < kBatch * kHidden; i++) {
      EXPECT_EQ(at(both, (t * 2) * kBatch * kHidden + i), at(forward, t * kBatch * kHidden + i));
      EXPECT_EQ(at(both, (t * 2 + 1) * kBatch * kHidden + i), at(reverse, t * kBatch * kHidden + i));
    }
  }
  EXPECT_FALSE(try_op("RNN", 14, {{"activations", std::vector<std::string>{"Nope"}}}, {x, half(w, 0), half(r, 0)}));
}

TEST(Attention, MatchesItsEquationWithGroupsAndACausalMask) {
  const std::int64_t heads = 4, groups = 2, s = 3, size = 5;
  const Tensor q = noise({2, heads, s, size}, 12), k = noise({2, groups, s, size}, 13),
               v = noise({2, groups, s, size}, 14);
  const Tensor y = run_op("Attention", 23, {{"is_causal", std::int64_t{1}}}, {q, k, v});
  for (std::int64_t n = 0; n < 2; n++) {
    for (std::int64_t h = 0; h < heads; h++) {
      const std::int64_t kv = (n * groups + h / (heads / groups)) * s, own = (n * heads + h) * s;
      for (std::int64_t i = 0; i < s; i++) {
        std::vector<double> p;
        double sum = 0;
        for (std::int64_t j = 0; j <= i; j++) {
          double score = 0;
          for (std::int64_t e = 0; e < size; e++) score += at(q, (own + i) * size + e) * at(k, (kv + j) * size + e);
          p.push_back(std::exp(score / std::sqrt(static_cast<double>(size))));
          sum += p.back();
        }
        for (std::int64_t e = 0; e < size; e++) {
          double want = 0;
          for (std::int64_t j = 0; j <= i; j++)
            want += p[static_cast<std::size_t>(j)] / sum * at(v, (kv + j) * size + e);
          ASSERT_NEAR(at(y, (own + i) * size + e), want, 1e-6);
        }
      }
    }
  }
}

TEST(Fourier, LengthsOfEveryKindMatchTheSumAndComeBack) {
  for (const std::int64_t n : {1, 2, 8, 12, 15, 64}) {
    const Tensor x = noise({1, n, 2}, static_cast<std::uint64_t>(n));
    const Tensor y = run_op("DFT", 17, {{"axis", std::int64_t{1}}}, {x});
    for (std::int64_t k = 0; k < n; k++) {
      double re = 0, im = 0;
      for (std::int64_t t = 0; t < n; t++) {
        const double angle = -2 * std::numbers::pi * static_cast<double>(k * t % n) / static_cast<double>(n);
        re += at(x, 2 * t) * std::cos(angle) - at(x, 2 * t + 1) * std::sin(angle);
        im += at(x, 2 * t) * std::sin(angle) + at(x, 2 * t + 1) * std::cos(angle);
      }
      ASSERT_NEAR(at(y, 2 * k), re, 1e-5) << n;
      ASSERT_NEAR(at(y, 2 * k + 1), im, 1e-5) << n;
    }
    const Tensor back = run_op("DFT", 17, {{"axis", std::int64_t{1}}, {"inverse", std::int64_t{1}}}, {y});
    for (std::int64_t i = 0; i < 2 * n; i++) ASSERT_NEAR(at(back, i), at(x, i), 1e-5);
  }
}

TEST(Einsum, IsMatMulTraceAndOuterProduct) {
  const Tensor a = noise({2, 3, 4}, 20), b = noise({2, 4, 5}, 21);
  const auto einsum = [](const std::string& equation, const std::vector<Tensor>& inputs) {
    return try_op("Einsum", 12, {{"equation", equation}}, inputs);
  };
  const auto product = einsum("bij, bjk -> bik", {a, b});
  const Tensor want = run_op("MatMul", 13, {}, {a, b});
  for (std::int64_t i = 0; i < want.elements(); i++) ASSERT_NEAR(at((*product)[0], i), at(want, i), 1e-5);
  const auto dots = einsum("...ij,...jk", {a, b});
  for (std::int64_t i = 0; i < want.elements(); i++) ASSERT_NEAR(at((*dots)[0], i), at(want, i), 1e-5);
  EXPECT_NEAR(at((*einsum("ii->", {tensor({2, 2}, {1, 2, 3, 4})}))[0], 0), 5, 1e-6);
  for (const char* wrong :
       {"ij,jk->ik", "bij,bjk,k->bik", "bij,bj->bi", "bij,bjk->bii", "b?j,bjk->bk", "bij,bjk->bix"}) {
    EXPECT_FALSE(einsum(wrong, {a, b})) << wrong;
  }
}

}  // namespace
}  // namespace adze::testing
