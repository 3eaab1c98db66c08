// RNN, GRU and LSTM, in one or both directions, with every option: peepholes, coupled gates, clipping, other
// activations, sequence lengths, either layout. Computed in double, a batch row and direction at a time.
//
//   x [s, n, in]; w [dirs, gates * h, in]; r [dirs, gates * h, h]; b [dirs, 2 * gates * h]; gates in the order i (RNN),
//   z r h (GRU), i o f c (LSTM). y [s, dirs, n, h]; y_h, y_c [dirs, n, h]. layout 1 puts n first.
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/gates.h"

namespace adze {
namespace {

enum Input { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeephole };

int gates_of(const Node& node) { return node.op->name == "LSTM" ? 4 : node.op->name == "GRU" ? 3 : 1; }
int functions_of(const Node& node) { return node.op->name == "LSTM" ? 3 : node.op->name == "GRU" ? 2 : 1; }

Result<void> check(const Node& node) { return check_gates(node, functions_of(node)); }

struct Args {
  DType type;
  int gates, directions, each;
  std::int64_t s, n, in, h;
  bool batch_first, reverse, before_reset, coupled;
  bool has_b, has_lengths, has_h, has_c, has_p;
  bool wants_y, wants_h, wants_c;
  double clip;  // 0: none
  std::vector<GateFunction> f;
};

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto has = [&](std::size_t i) { return i < inputs.size() && inputs[i]; };
  Args a{};
  a.type = inputs[kX]->type;
  a.gates = gates_of(node);
  a.directions = directions_of(node);
  a.each = functions_of(node);
  a.batch_first = node.attributes.integer("layout", 0) != 0;
  a.reverse = node.attributes.string("direction", "forward") == "reverse";
  a.before_reset = node.attributes.integer("linear_before_reset", 0) != 0;
  a.coupled = node.attributes.integer("input_forget", 0) != 0;
  a.clip = static_cast<double>(node.attributes.real("clip", 0));
  const Shape &x = inputs[kX]->shape, &r = inputs[kR]->shape;
  if (x.rank() != 3 || r.rank() != 3) return make_error(Code::invalid_model, "X or R is not of rank 3");
  a.s = a.batch_first ? x[1] : x[0];
  a.n = a.batch_first ? x[0] : x[1];
  a.in = x[2];
  a.h = r[2];
  if (node.attributes.integer("hidden_size", a.h) != a.h) {
    return make_error(Code::invalid_model, "attribute \"hidden_size\" differs from R's shape");
  }
  const std::int64_t d = a.directions, g = a.gates;
  const Shape state = a.batch_first ? Shape{a.n, d, a.h} : Shape{d, a.n, a.h};
  const std::pair<int, Shape> want[] = {{kW, {d, g * a.h, a.in}}, {kR, {d, g * a.h, a.h}}, {kB, {d, 2 * g * a.h}},
                                        {kLengths, {a.n}},        {kInitialH, state},      {kInitialC, state},
                                        {kPeephole, {d, 3 * a.h}}};
  for (const auto& [i, shape] : want) {
    const auto index = static_cast<std::size_t>(i);
    if (!has(index)) continue;
    if (inputs[index]->shape != shape) {
      return make_error(Code::invalid_model, "input ", i, " is ", to_string(inputs[index]->shape), ", not ",
                        to_string(shape));
    }
  }
  a.has_b = has(kB);
  a.has_lengths = has(kLengths);
  a.has_h = has(kInitialH);
  a.has_c = has(kInitialC);
  a.has_p = has(kPeephole);
  ADZE_TRY(a.f, gate_functions(node, a.each));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  const std::int64_t d = a.directions;
  context.set_shape(0, a.batch_first ? Shape{a.n, a.s, d, a.h} : Shape{a.s, d, a.n, a.h});
  const Shape state = a.batch_first ? Shape{a.n, d, a.h} : Shape{d, a.n, a.h};
  context.set_shape(1, state);
  context.set_shape(2, state);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const bool batch_first = context.node.attributes.integer("layout", 0) != 0;
  Lanes lanes;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  for (const int i : {kX, kLengths, kInitialH, kInitialC}) {
    if (!context.has(i)) continue;
    const int axis = batch_first || i == kLengths ? 0 : 1;
    lanes.inputs[static_cast<std::size_t>(i)] = single_lane(context.shape(i).rank(), axis);
  }
  const LaneNames state = single_lane(3, batch_first ? 0 : 1);
  lanes.outputs = {single_lane(4, batch_first ? 0 : 2), state, state};
  return lanes;
}

// One direction of one batch row. Scratch: h, c, their successors, and the gates.
template <class T>
class Cell {
 public:
  Cell(const Args& a, const Call& call, std::int64_t d, std::int64_t n) : a_(a), call_(call), d_(d), n_(n) {
    h_ = reinterpret_cast<double*>(call.scratch);
    c_ = h_ + a.h;
    next_ = c_ + a.h;
    gate_ = next_ + a.h;
    const std::int64_t state = state_at(0);
    for (std::int64_t i = 0; i < a.h; i++) {
      h_[i] = a.has_h ? real(kInitialH, state + i) : 0;
      c_[i] = a.has_c ? real(kInitialC, state + i) : 0;
    }
  }

  void run() {
    std::int64_t length = a_.s;
    if (a_.has_lengths) length = std::clamp<std::int64_t>(call_.in<std::int32_t>(kLengths)[n_], 0, a_.s);
    const bool backwards = a_.reverse || d_ == 1;
    for (std::int64_t i = 0; i < a_.s; i++) {
      const std::int64_t t = backwards && i < length ? length - 1 - i : i;
      if (i < length) step(t);
      if (!a_.wants_y) continue;
      T* y = call_.out<T>(0) + y_at(t);
      for (std::int64_t j = 0; j < a_.h; j++) y[j] = i < length ? rounded(h_[j]) : rounded(0);
    }
    for (std::int64_t j = 0; j < a_.h; j++) {
      if (a_.wants_h) call_.out<T>(1)[state_at(j)] = rounded(h_[j]);
      if (a_.wants_c) call_.out<T>(2)[state_at(j)] = rounded(c_[j]);
    }
  }

 private:
  double real(int input, std::int64_t i) const {
    return static_cast<double>(static_cast<Compute<T>>(call_.in<T>(input)[i]));
  }
  static T rounded(double x) { return static_cast<T>(static_cast<Compute<T>>(x)); }
  std::int64_t state_at(std::int64_t j) const {
    return (a_.batch_first ? n_ * a_.directions + d_ : d_ * a_.n + n_) * a_.h + j;
  }
  std::int64_t y_at(std::int64_t t) const {
    return (a_.batch_first ? (n_ * a_.s + t) * a_.directions + d_ : (t * a_.directions + d_) * a_.n + n_) * a_.h;
  }
  double f(int which, double x) const {
    if (a_.clip > 0) x = std::clamp(x, -a_.clip, a_.clip);
    return a_.f[static_cast<std::size_t>(d_ * a_.each + which)](x);
  }
  double bias(std::int64_t i) const { return a_.has_b ? real(kB, d_ * 2 * a_.gates * a_.h + i) : 0; }
  double peephole(std::int64_t i) const { return a_.has_p ? real(kPeephole, d_ * 3 * a_.h + i) : 0; }
  double recurrent(std::int64_t row, const double* h) const {
    double sum = 0;
    const std::int64_t base = (d_ * a_.gates * a_.h + row) * a_.h;
    for (std::int64_t k = 0; k < a_.h; k++) sum += real(kR, base + k) * h[k];
    return sum;
  }

  void step(std::int64_t t) {
    const std::int64_t x = (a_.batch_first ? n_ * a_.s + t : t * a_.n + n_) * a_.in, rows = a_.gates * a_.h;
    const bool gru = a_.gates == 3;
    for (std::int64_t row = 0; row < rows; row++) {
      const std::int64_t base = (d_ * rows + row) * a_.in;
      double sum = bias(row);
      for (std::int64_t k = 0; k < a_.in; k++) sum += real(kX, x + k) * real(kW, base + k);
      // GRU's last gate meets the reset gate before or behind its product.
      if (!gru || row < 2 * a_.h) sum += recurrent(row, h_) + bias(rows + row);
      gate_[row] = sum;
    }
    if (a_.gates == 1) return rnn();
    gru ? gru_gates() : lstm_gates();
  }

  void rnn() {
    for (std::int64_t j = 0; j < a_.h; j++) h_[j] = f(0, gate_[j]);
  }

  void gru_gates() {
    const std::int64_t h = a_.h;
    for (std::int64_t j = 0; j < 2 * h; j++) gate_[j] = f(0, gate_[j]);
    double* reset = gate_ + h;
    for (std::int64_t j = 0; j < h; j++) next_[j] = reset[j] * h_[j];
    for (std::int64_t j = 0; j < h; j++) {
      const std::int64_t row = 2 * h + j;
      const double b = bias(3 * h + row);
      gate_[row] += a_.before_reset ? reset[j] * (recurrent(row, h_) + b) : recurrent(row, next_) + b;
    }
    for (std::int64_t j = 0; j < h; j++) h_[j] = (1 - gate_[j]) * f(1, gate_[2 * h + j]) + gate_[j] * h_[j];
  }

  void lstm_gates() {
    const LstmCell cell{&a_.f[static_cast<std::size_t>(d_ * a_.each)], a_.clip, a_.coupled, a_.h};
    cell.step(
        gate_, [&](std::int64_t i) { return peephole(i); }, c_, h_);
  }

  const Args& a_;
  const Call& call_;
  const std::int64_t d_, n_;
  double *h_, *c_, *next_, *gate_;
};

void run(const Args& a, const Call& call) {
  const Range cells = call.slice.of(a.directions * a.n);
  dispatch_float(a.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = cells.begin; i < cells.end && !call.cancel.requested(); i++)
      Cell<T>(a, call, i / a.n, i % a.n).run();
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  a.wants_y = context.wants_output(0);
  a.wants_h = context.wants_output(1);
  a.wants_c = context.wants_output(2);
  const std::size_t scratch = static_cast<std::size_t>((3 + a.gates) * a.h) * sizeof(double);
  const std::int64_t cells = a.directions * a.n;
  const double flops = 2.0 * static_cast<double>(cells * a.s * a.gates * a.h) * static_cast<double>(a.in + a.h);
  Step step = make_step<run>(std::move(a), "recurrent");
  step.scratch_bytes = scratch;
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(cells, 1, 256));
  step.flops = flops;
  return step;
}

constexpr int kVersions[] = {1, 7, 14, 22}, kGru[] = {1, 3, 7, 14, 22};
constexpr AttrSpec kAttributes[] = {{"activation_alpha", AttrKind::reals},
                                    {"activation_beta", AttrKind::reals},
                                    {"activations", AttrKind::strings},
                                    {"clip", AttrKind::real},
                                    {"direction", AttrKind::string},
                                    {"hidden_size", AttrKind::integer, false, 1},
                                    {"input_forget", AttrKind::integer, false, 0, 1},
                                    {"layout", AttrKind::integer, false, 0, 1},
                                    {"linear_before_reset", AttrKind::integer},
                                    {"output_sequence", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats, kFloats, kFloats, kFloats, types(DType::i32), kFloats, kFloats, kFloats};

constexpr OpDef op(std::string_view name, std::span<const int> versions, int inputs, int outputs) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .inputs = {3, inputs},
          .outputs = {0, outputs},
          .input_types = kTypes,
          .check = check,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of};
}
constexpr OpDef kOps[] = {op("RNN", kVersions, 6, 2), op("GRU", kGru, 6, 2), op("LSTM", kVersions, 8, 3)};

}  // namespace
extern const std::span<const OpDef> ops_recurrent;
constinit const std::span<const OpDef> ops_recurrent{kOps};

}  // namespace adze
