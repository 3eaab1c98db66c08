// Behaviour 23: LSTM, GRU and RNN with every option, against their equations written out.
#include <cmath>
#include <functional>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

constexpr std::int64_t kSteps = 4, kBatch = 3, kIn = 2, kHidden = 3;
using Function = std::function<double(double)>;
using State = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double at(const Tensor& t, std::int64_t i) { return static_cast<double>(t.as<float>()[static_cast<std::size_t>(i)]); }

struct Problem {
  const char* op;
  std::int64_t gates, directions = 1;
  std::vector<Function> f;  // of one direction, in the order of "activations"
  AttributeList attributes = {};
  double clip = INFINITY;
  bool peepholes = false, coupled = false, reset_after = false, reverse = false;
  std::vector<std::int32_t> lengths = {4, 1, 3};

  Tensor x = random_tensor({kSteps, kBatch, kIn}, 1), w = random_tensor({directions, gates*kHidden, kIn}, 2),
         r = random_tensor({directions, gates*kHidden, kHidden}, 3),
         b = random_tensor({directions, 2 * gates*kHidden}, 4), h0 = random_tensor({directions, kBatch, kHidden}, 5),
         c0 = random_tensor({directions, kBatch, kHidden}, 6), p = random_tensor({directions, 3 * kHidden}, 7);

  bool is_lstm() const { return gates == 4; }
  std::vector<Tensor> inputs() const {
    std::vector<Tensor> all = {x, w, r, b, Tensor::from<std::int32_t>({kBatch}, lengths), h0};
    if (is_lstm()) all.push_back(c0);
    if (peepholes) all.push_back(p);
    return all;
  }

  double input_part(std::int64_t d, std::int64_t g, std::int64_t t, std::int64_t n, std::int64_t j) const {
    const std::int64_t row = g * kHidden + j, rows = gates * kHidden;
    double sum = at(b, d * 2 * rows + row);
    for (std::int64_t k = 0; k < kIn; k++) sum += at(x, (t * kBatch + n) * kIn + k) * at(w, (d * rows + row) * kIn + k);
    return sum;
  }
  double state_part(std::int64_t d, std::int64_t g, std::int64_t j, const State& h) const {
    const std::int64_t row = g * kHidden + j, rows = gates * kHidden;
    double sum = at(b, d * 2 * rows + rows + row);
    for (std::int64_t k = 0; k < kHidden; k++)
      sum += h[static_cast<std::size_t>(k)] * at(r, (d * rows + row) * kHidden + k);
    return sum;
  }
  double clipped(double v) const { return std::clamp(v, -clip, clip); }

  void step(std::int64_t d, std::int64_t t, std::int64_t n, State& h, State& c) const {
    State next = h;
    for (std::int64_t j = 0; j < kHidden; j++) {
      const auto u = static_cast<std::size_t>(j);
      const auto sum = [&](std::int64_t g) { return input_part(d, g, t, n, j) + state_part(d, g, j, h); };
      const auto peep = [&](std::int64_t g) { return peepholes ? at(p, (d * 3 + g) * kHidden + j) : 0; };
      if (gates == 1) next[u] = f[0](clipped(sum(0)));
      if (gates == 3) {
        const double z = f[0](clipped(sum(0)));
        double candidate = input_part(d, 2, t, n, j);
        State reset = h;
        for (std::int64_t k = 0; k < kHidden; k++) {
          reset[static_cast<std::size_t>(k)] *= f[0](clipped(input_part(d, 1, t, n, k) + state_part(d, 1, k, h)));
        }
        candidate += reset_after ? f[0](clipped(sum(1))) * state_part(d, 2, j, h) : state_part(d, 2, j, reset);
        next[u] = (1 - z) * f[1](clipped(candidate)) + z * h[u];
      }
      if (gates == 4) {
        const double i = f[0](clipped(sum(0) + peep(0) * c[u]));
        const double forget = coupled ? 1 - i : f[0](clipped(sum(2) + peep(2) * c[u]));
        const double cell = forget * c[u] + i * f[1](clipped(sum(3)));
        next[u] = f[0](clipped(sum(1) + peep(1) * cell)) * f[2](cell);
        c[u] = cell;
      }
    }
    h = next;
  }

  void expect() const {
    AttributeList with = attributes;
    with.emplace_back("hidden_size", kHidden);
    if (directions == 2) with.emplace_back("direction", std::string("bidirectional"));
    if (reverse) with.emplace_back("direction", std::string("reverse"));
    const auto y = run_op_outputs(op, 14, with, inputs(), is_lstm() ? 3 : 2);
    ASSERT_EQ(y[0].shape(), (Shape{kSteps, directions, kBatch, kHidden}));
    for (std::int64_t d = 0; d < directions; d++)
      for (std::int64_t n = 0; n < kBatch; n++) {
        State h, c;
        for (std::int64_t j = 0; j < kHidden; j++) {
          h.push_back(at(h0, (d * kBatch + n) * kHidden + j));
          c.push_back(at(c0, (d * kBatch + n) * kHidden + j));
        }
        const std::int64_t length = lengths[static_cast<std::size_t>(n)];
        for (std::int64_t s = 0; s < kSteps; s++) {
          const bool inside = s < length;
          const std::int64_t t = !inside || (d == 0 && !reverse) ? s : length - 1 - s;
          if (inside) step(d, t, n, h, c);
          for (std::int64_t j = 0; j < kHidden; j++) {
            ASSERT_NEAR(at(y[0], ((t * directions + d) * kBatch + n) * kHidden + j),
                        inside ? h[static_cast<std::size_t>(j)] : 0, 1e-5)
                << op << " direction " << d << " row " << n << " step " << t;
          }
        }
        for (std::int64_t j = 0; j < kHidden; j++) {
          ASSERT_NEAR(at(y[1], (d * kBatch + n) * kHidden + j), h[static_cast<std::size_t>(j)], 1e-5);
          if (is_lstm()) {
            ASSERT_NEAR(at(y[2], (d * kBatch + n) * kHidden + j), c[static_cast<std::size_t>(j)], 1e-5);
          }
        }
      }
  }
};

const Function kTanh = [](double v) { return std::tanh(v); };
Problem lstm(std::int64_t directions = 1) {
  return {.op = "LSTM", .gates = 4, .directions = directions, .f = {sigmoid, kTanh, kTanh}};
}
Problem gru(std::int64_t directions = 1) {
  return {.op = "GRU", .gates = 3, .directions = directions, .f = {sigmoid, kTanh}};
}
Problem rnn(std::int64_t directions = 1) { return {.op = "RNN", .gates = 1, .directions = directions, .f = {kTanh}}; }

template <class Change>
void expect_all(Problem (*make)(std::int64_t), const Change& change) {
  for (const auto& [directions, reverse] : {std::pair(1, false), std::pair(1, true), std::pair(2, false)}) {
    Problem problem = make(directions);
    problem.reverse = reverse;
    change(problem);
    problem.expect();
  }
}

TEST(Behaviour23, GateOrderStatesAndLengthsInEveryDirection) {
  expect_all(lstm, [](Problem&) {});
  expect_all(gru, [](Problem&) {});
  expect_all(rnn, [](Problem&) {});
}

TEST(Behaviour23, PeepholesAndCoupledGates) {
  expect_all(lstm, [](Problem& p) { p.peepholes = true; });
  expect_all(lstm, [](Problem& p) {
    p.coupled = true;
    p.attributes.emplace_back("input_forget", std::int64_t{1});
  });
}

TEST(Behaviour23, TheResetGateBehindTheProduct) {
  expect_all(gru, [](Problem& p) {
    p.reset_after = true;
    p.attributes.emplace_back("linear_before_reset", std::int64_t{1});
  });
}

TEST(Behaviour23, ClippedBeforeTheActivations) {
  for (Problem (*make)(std::int64_t) : {lstm, gru, rnn}) {
    expect_all(make, [](Problem& p) {
      p.clip = 0.3;
      p.attributes.emplace_back("clip", 0.3f);
    });
  }
}

TEST(Behaviour23, OtherActivationsTakeTheirParametersInOrder) {
  using Names = std::vector<std::string>;
  using Floats = std::vector<float>;
  const Problem change = {
      .op = "LSTM",
      .gates = 4,
      .f = {[](double v) { return std::clamp(0.3f * v + 0.4f, 0.0, 1.0); },
            [](double v) { return v < 0 ? 0.7f * std::expm1(v) : v; }, [](double v) { return v / (1 + std::fabs(v)); }},
      .attributes = {{"activations", Names{"HardSigmoid", "Elu", "Softsign"}},
                     {"activation_alpha", Floats{0.3f, 0.7f}},
                     {"activation_beta", Floats{0.4f}}}};
  change.expect();
  const Problem affine = {.op = "RNN",
                          .gates = 1,
                          .directions = 2,
                          .f = {[](double v) { return 0.4f * v + 0.1f; }},
                          .attributes = {{"activations", Names{"Affine", "Affine"}},
                                         {"activation_alpha", Floats{0.4f, 0.4f}},
                                         {"activation_beta", Floats{0.1f, 0.1f}}}};
  affine.expect();
  const Problem gated = {.op = "GRU",
                         .gates = 3,
                         .f = {sigmoid, [](double v) { return 0.8f * std::tanh(0.9f * v); }},
                         .attributes = {{"activations", Names{"Sigmoid", "ScaledTanh"}},
                                        {"activation_alpha", Floats{0.8f}},
                                        {"activation_beta", Floats{0.9f}}}};
  gated.expect();
  EXPECT_FALSE(try_op("RNN", 14, {{"hidden_size", kHidden}, {"activations", Names{"Sine"}}}, rnn().inputs(), 2));
  EXPECT_FALSE(try_op("LSTM", 14, {{"hidden_size", kHidden}, {"activations", Names{"Tanh"}}}, lstm().inputs(), 3));
}

// Layout 1 is the same with the batch in front.
TEST(Behaviour23, TheBatchInFront) {
  for (Problem (*make)(std::int64_t) : {lstm, gru, rnn}) {
    const Problem p = make(2);
    const std::size_t outputs = p.is_lstm() ? 3 : 2;
    AttributeList with = {{"hidden_size", kHidden}, {"direction", std::string("bidirectional")}};
    const auto want = run_op_outputs(p.op, 14, with, p.inputs(), outputs);
    with.emplace_back("layout", std::int64_t{1});
    std::vector<Tensor> inputs = p.inputs();
    const std::vector<int> swap = {1, 0, 2}, front = {2, 0, 1, 3};
    inputs[0] = transposed(inputs[0], swap);
    for (std::size_t i = 5; i < inputs.size(); i++) inputs[i] = transposed(inputs[i], swap);
    const auto got = run_op_outputs(p.op, 14, with, inputs, outputs);
    EXPECT_TRUE(same_bytes(got[0], transposed(want[0], front))) << p.op;
    for (std::size_t i = 1; i < outputs; i++) EXPECT_TRUE(same_bytes(got[i], transposed(want[i], swap))) << p.op;
  }
}

TEST(Behaviour23, AnyOfTheOutputsMayBeLeftOut) {
  ASSERT_EQ(find_op("", "LSTM")->outputs.min, 0);
  ASSERT_EQ(find_op("", "GRU")->outputs.min, 0);
  ASSERT_EQ(find_op("", "RNN")->outputs.min, 0);
  const auto all = run_op_outputs("LSTM", 14, {{"hidden_size", kHidden}}, lstm().inputs(), 3);
  EXPECT_TRUE(same_bytes(run_op_outputs("LSTM", 14, {{"hidden_size", kHidden}}, lstm().inputs(), 1)[0], all[0]));
}

}  // namespace
}  // namespace adze::testing
