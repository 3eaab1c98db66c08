// com.microsoft DynamicQuantizeLSTM: LSTM with 8-bit weights. X of all rows and steps has one scale and zero point per
// direction, h of all rows another at every step, found as DynamicQuantizeLinear does; products are exact integers.
//
//   x [s, n, in]; w [dirs, in, 4 * h]; r [dirs, h, 4 * h]; their scales and zero points [dirs] or [dirs, 4 * h];
//   b [dirs, 8 * h]; gates in the order i o f c. y [s, dirs, n, h]; y_h, y_c [dirs, n, h].
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/gates.h"

namespace adze {
namespace {

enum Input { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeephole, kWScale, kWZero, kRScale, kRZero };
constexpr int kFunctions = 3;

// W or R, and where its quantisation lies.
struct Weights {
  int data, scale, zero;
  DType type;
  std::int64_t rows;
  bool scale_per_column, zero_per_column;
};

struct Args {
  int directions;
  std::int64_t s, n, in, h;
  Weights w, r;
  bool reverse, coupled;
  bool has_b, has_lengths, has_h, has_c, has_p;
  bool wants_y, wants_h, wants_c;
  double clip;  // 0: none
  std::vector<GateFunction> f;
};

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto at = [&](int i) -> const TensorInfo* {
    const auto index = static_cast<std::size_t>(i);
    return index < inputs.size() ? inputs[index] : nullptr;
  };
  Args a{};
  a.directions = directions_of(node);
  const Shape &x = at(kX)->shape, &r = at(kR)->shape;
  if (x.rank() != 3 || r.rank() != 3) return make_error(Code::invalid_model, "X or R is not of rank 3");
  a.s = x[0];
  a.n = x[1];
  a.in = x[2];
  a.h = r[1];
  if (node.attributes.integer("hidden_size", a.h) != a.h) {
    return make_error(Code::invalid_model, "attribute \"hidden_size\" differs from R's shape");
  }
  const std::int64_t d = a.directions;
  // The state of a direction, and the sums of a row, in eight bytes each.
  if (!Shape({2, a.n, a.h, 8}).checked_elements() || !Shape({a.in, a.h, 8 * 8}).checked_elements()) {
    return make_error(Code::resource_limit, "its state is too large");
  }
  const std::pair<int, Shape> want[] = {
      {kW, {d, a.in, 4 * a.h}},   {kR, {d, a.h, 4 * a.h}},    {kB, {d, 8 * a.h}},       {kLengths, {a.n}},
      {kInitialH, {d, a.n, a.h}}, {kInitialC, {d, a.n, a.h}}, {kPeephole, {d, 3 * a.h}}};
  for (const auto& [i, shape] : want) {
    if (at(i) && at(i)->shape != shape) {
      return make_error(Code::invalid_model, "input ", i, " is ", to_string(at(i)->shape), ", not ", to_string(shape));
    }
  }
  for (int i = kWScale; i <= kRZero; i++) {
    if (!at(i)) return make_error(Code::invalid_model, "input ", i, " is required");
    if (at(i)->shape != Shape{d} && at(i)->shape != Shape{d, 4 * a.h}) {
      return make_error(Code::invalid_model, "input ", i, " is ", to_string(at(i)->shape), ", not ",
                        to_string(Shape{d}), " or ", to_string(Shape{d, 4 * a.h}));
    }
  }
  const auto weights = [&](int data, int scale, int zero, std::int64_t rows) {
    return Weights{data, scale, zero, at(data)->type, rows, at(scale)->shape.rank() == 2, at(zero)->shape.rank() == 2};
  };
  a.w = weights(kW, kWScale, kWZero, a.in);
  a.r = weights(kR, kRScale, kRZero, a.h);
  for (const Weights& weight : {a.w, a.r}) {
    if (at(weight.zero)->type != weight.type) {
      return make_error(Code::invalid_model, "inputs ", weight.data, " and ", weight.zero, " differ in type");
    }
  }
  a.reverse = node.attributes.string("direction", "forward") == "reverse";
  a.coupled = node.attributes.integer("input_forget", 0) != 0;
  a.clip = static_cast<double>(node.attributes.real("clip", 0));
  a.has_b = at(kB);
  a.has_lengths = at(kLengths);
  a.has_h = at(kInitialH);
  a.has_c = at(kInitialC);
  a.has_p = at(kPeephole);
  ADZE_TRY(a.f, gate_functions(node, kFunctions));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  context.set_shape(0, {a.s, a.directions, a.n, a.h});
  context.set_shape(1, {a.directions, a.n, a.h});
  context.set_shape(2, {a.directions, a.n, a.h});
  return {};
}

Result<Lanes> lanes_of(const InferContext&) {
  return make_error(Code::bad_input, "it takes scale and zero point from the whole batch");
}

// Codes 0 to 255 of a range that takes in 0.
struct Codes {
  float scale = 1;
  int zero = 0;

  template <class Value>
  static Codes of(std::int64_t n, Value value) {
    float least = 0, most = 0;
    for (std::int64_t i = 0; i < n; i++) {
      least = std::min(least, value(i));
      most = std::max(most, value(i));
    }
    if (least == most) return {};
    Codes codes;
    codes.scale = (most - least) / 255.0f;
    codes.zero = static_cast<int>(std::clamp(std::nearbyint(-least / codes.scale), 0.0f, 255.0f));
    return codes;
  }
  // The code of x less the zero point.
  int steps(float x) const {
    const float code = std::nearbyint(x / scale);
    if (std::isnan(code)) return -zero;
    return static_cast<int>(std::clamp(code, static_cast<float>(-zero), static_cast<float>(255 - zero)));
  }
};

// One direction of the whole batch. Scratch: h and c of all rows, the gates of one, and its integer products.
class Direction {
 public:
  Direction(const Args& a, const Call& call, std::int64_t d)
      : a_(a),
        call_(call),
        d_(d),
        cell_{&a.f[static_cast<std::size_t>(d * kFunctions)], a.clip, a.coupled, a.h},
        h_(reinterpret_cast<double*>(call.scratch)),
        c_(h_ + a.n * a.h),
        gates_(c_ + a.n * a.h),
        products_(reinterpret_cast<std::int64_t*>(gates_ + 4 * a.h)) {}

  void run() {
    const std::int64_t state = d_ * a_.n * a_.h, states = a_.n * a_.h;
    for (std::int64_t i = 0; i < states; i++) {
      h_[i] = a_.has_h ? static_cast<double>(call_.in(kInitialH)[state + i]) : 0;
      c_[i] = a_.has_c ? static_cast<double>(call_.in(kInitialC)[state + i]) : 0;
    }
    std::int64_t longest = 0;
    for (std::int64_t n = 0; n < a_.n; n++) longest = std::max(longest, length(n));
    x_codes_ = Codes::of(longest * a_.n * a_.in, [&](std::int64_t i) { return call_.in()[i]; });
    if (a_.wants_h) std::fill_n(call_.out(1) + state, states, 0.0f);
    if (a_.wants_c) std::fill_n(call_.out(2) + state, states, 0.0f);
    for (std::int64_t i = 0; i < a_.s && !call_.cancel.requested(); i++) step(i, i < longest);
  }

 private:
  std::int64_t length(std::int64_t n) const {
    return a_.has_lengths ? std::clamp<std::int64_t>(call_.in<std::int32_t>(kLengths)[n], 0, a_.s) : a_.s;
  }

  void step(std::int64_t i, bool any) {
    Codes codes;
    if (any) codes = Codes::of(a_.n * a_.h, [&](std::int64_t k) { return static_cast<float>(h_[k]); });
    for (std::int64_t n = 0; n < a_.n; n++) {
      const std::int64_t end = length(n);
      double* h = h_ + n * a_.h;
      const std::int64_t t = i < end && (a_.reverse || d_ == 1) ? end - 1 - i : i;
      if (i < end) {
        advance(t, n, codes);
      } else {
        std::fill_n(h, a_.h, 0.0);
      }
      if (a_.wants_y) write(h, call_.out(0) + ((t * a_.directions + d_) * a_.n + n) * a_.h);
      if (i != end - 1) continue;
      const std::int64_t state = (d_ * a_.n + n) * a_.h;
      if (a_.wants_h) write(h, call_.out(1) + state);
      if (a_.wants_c) write(c_ + n * a_.h, call_.out(2) + state);
    }
  }

  void write(const double* src, float* dst) const {
    for (std::int64_t j = 0; j < a_.h; j++) dst[j] = static_cast<float>(src[j]);
  }

  void advance(std::int64_t t, std::int64_t n, const Codes& h_codes) {
    double* h = h_ + n * a_.h;
    const float* x = call_.in() + (t * a_.n + n) * a_.in;
    for (std::int64_t j = 0; j < 4 * a_.h; j++) {
      const float* b = call_.in(kB);
      const std::int64_t at = d_ * 8 * a_.h + j;
      gates_[j] = a_.has_b ? static_cast<double>(b[at]) + static_cast<double>(b[at + 4 * a_.h]) : 0;
    }
    add_product(a_.w, x_codes_, x);
    add_product(a_.r, h_codes, h);
    const auto peephole = [&](std::int64_t j) {
      return a_.has_p ? static_cast<double>(call_.in(kPeephole)[d_ * 3 * a_.h + j]) : 0;
    };
    cell_.step(gates_, peephole, c_ + n * a_.h, h);
  }

  template <class Row>
  void add_product(const Weights& weights, const Codes& codes, const Row* row) {
    if (weights.type == DType::u8) return add_product_as<std::uint8_t>(weights, codes, row);
    add_product_as<std::int8_t>(weights, codes, row);
  }
  template <class W, class Row>
  void add_product_as(const Weights& weights, const Codes& codes, const Row* row) {
    const std::int64_t columns = 4 * a_.h;
    std::fill_n(products_, columns, 0);
    std::int64_t total = 0;
    const W* w = call_.in<W>(weights.data) + d_ * weights.rows * columns;
    for (std::int64_t k = 0; k < weights.rows; k++, w += columns) {
      const int steps = codes.steps(static_cast<float>(row[k]));
      total += steps;
      for (std::int64_t j = 0; j < columns; j++) products_[j] += steps * w[j];
    }
    for (std::int64_t j = 0; j < columns; j++) {
      const std::int64_t column = d_ * columns + j;
      const std::int64_t zero = call_.in<W>(weights.zero)[weights.zero_per_column ? column : d_];
      const float scale = call_.in(weights.scale)[weights.scale_per_column ? column : d_] * codes.scale;
      gates_[j] += static_cast<double>(products_[j] - zero * total) * static_cast<double>(scale);
    }
  }

  const Args& a_;
  const Call& call_;
  const std::int64_t d_;
  const LstmCell cell_;
  double *h_, *c_, *gates_;
  std::int64_t* products_;
  Codes x_codes_;
};

void run(const Args& a, const Call& call) {
  const Range directions = call.slice.of(a.directions);
  for (std::int64_t d = directions.begin; d < directions.end; d++) Direction(a, call, d).run();
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  a.wants_y = context.wants_output(0);
  a.wants_h = context.wants_output(1);
  a.wants_c = context.wants_output(2);
  const std::size_t scratch = static_cast<std::size_t>((2 * a.n + 8) * a.h) * sizeof(double);
  const int directions = a.directions;
  const double flops =
      8.0 * static_cast<double>(directions * a.s * a.n) * static_cast<double>(a.h) * static_cast<double>(a.in + a.h);
  Step step = make_step<run>(std::move(a), "dynamic_quantize_lstm");
  step.scratch_bytes = scratch;
  step.max_parts = directions;
  step.flops = flops;
  return step;
}

Result<void> check(const Node& node) { return check_gates(node, kFunctions); }

constexpr int kVersions[] = {1};
constexpr AttrSpec kAttributes[] = {{"activation_alpha", AttrKind::reals},
                                    {"activation_beta", AttrKind::reals},
                                    {"activations", AttrKind::strings},
                                    {"clip", AttrKind::real},
                                    {"direction", AttrKind::string},
                                    {"hidden_size", AttrKind::integer, false, 1},
                                    {"input_forget", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kF32 = types(DType::f32), kI32 = types(DType::i32), kCodes = types(DType::u8, DType::i8);
constexpr TypeMask kTypes[] = {kF32, kCodes, kCodes, kF32, kI32, kF32, kF32, kF32, kF32, kCodes, kF32, kCodes};

constexpr OpDef kOps[] = {{.name = "DynamicQuantizeLSTM",
                           .domain = "com.microsoft",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 12},
                           .outputs = {0, 3},
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_dynamic_quantize_lstm;
constinit const std::span<const OpDef> ops_dynamic_quantize_lstm{kOps};

}  // namespace adze
