// com.microsoft QAttention: self-attention whose projection to queries, keys and values is quantised: their products
// are exact integers, scaled to float; what follows is attention in double, one head of one image at a time.
//
//   input u8 [n, s, in]; weights [in, 3 * hidden], the columns Q, K, V, each by heads; bias [3 * hidden]; scale and
//   zero point of weights one or per column; mask [n] (keys from there on are masked), [2 * n] (and those before the
//   second half's), [n, total] or [n, s, total] (0 masks), [n, 1] or [1, 1] (nothing masked); past and present [2, n,
//   heads, keys, size], keys before values.
#include <cmath>
#include <limits>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
enum Input { kX, kW, kB, kXScale, kWScale, kMask, kXZero, kWZero, kPast };
enum class Mask { none, ends, starts, keys, pairs };

struct Args {
  std::int64_t n, s, in, heads, size, past;
  DType weights;
  Mask mask;
  bool causal, has_x_zero, has_w_zero, has_past, scale_per_column, zero_per_column;
  bool wants_present;
  double scale, filter;

  std::int64_t total() const { return past + s; }
  std::int64_t hidden() const { return heads * size; }
};

bool is_one(const Shape& shape) { return shape.rank() <= 1 && shape.elements() == 1; }

Result<Mask> mask_of(const Shape& shape, const Args& a) {
  if (shape == Shape{a.n}) return Mask::ends;
  if (shape == Shape{2 * a.n}) return Mask::starts;
  if (shape == Shape{a.n, a.total()}) return Mask::keys;
  if (shape == Shape{a.n, 1} || shape == Shape{1, 1}) return Mask::none;
  if (shape == Shape{a.n, a.s, a.total()}) return Mask::pairs;
  return make_error(Code::unsupported, "mask_index ", to_string(shape), " is of no form that is supported");
}

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto at = [&](int i) -> const TensorInfo* {
    const auto index = static_cast<std::size_t>(i);
    return index < inputs.size() ? inputs[index] : nullptr;
  };
  const auto misfit = [&](int i) {
    return make_error(Code::invalid_model, "input ", i, " of shape ", to_string(at(i)->shape), " doesn't fit");
  };
  Args a{};
  const Shape &x = at(kX)->shape, &w = at(kW)->shape;
  if (x.rank() != 3) return misfit(kX);
  a.n = x[0];
  a.s = x[1];
  a.in = x[2];
  a.heads = node.attributes.integer("num_heads", 1);
  if (w.rank() != 2 || w[0] != a.in || w[1] % 3 || w[1] / 3 % a.heads) return misfit(kW);
  a.size = w[1] / 3 / a.heads;
  const Shape columns{3 * a.hidden()};
  if (at(kB)->shape != columns) return misfit(kB);
  if (!is_one(at(kXScale)->shape)) return misfit(kXScale);
  a.scale_per_column = !is_one(at(kWScale)->shape);
  if (a.scale_per_column && at(kWScale)->shape != columns) return misfit(kWScale);
  a.has_x_zero = at(kXZero);
  if (a.has_x_zero && !is_one(at(kXZero)->shape)) return misfit(kXZero);
  a.weights = at(kW)->type;
  a.has_w_zero = at(kWZero);
  if (a.has_w_zero) {
    a.zero_per_column = !is_one(at(kWZero)->shape);
    if (a.zero_per_column && at(kWZero)->shape != columns) return misfit(kWZero);
    if (at(kWZero)->type != a.weights) {
      return make_error(Code::invalid_model, "weights and their zero point differ in type");
    }
  }
  a.has_past = at(kPast);
  if (a.has_past) {
    const Shape& past = at(kPast)->shape;
    if (past.rank() != 5) return misfit(kPast);
    a.past = past[3];
    if (past != Shape{2, a.n, a.heads, a.past, a.size}) return misfit(kPast);
  }
  if (a.past > std::numeric_limits<std::int64_t>::max() - a.s || !Shape({a.total(), 8}).checked_elements() ||
      !Shape({a.s, 3 * 8, a.size}).checked_elements()) {
    return make_error(Code::resource_limit, "its keys are too many");
  }
  if (at(kMask)) {
    ADZE_TRY(a.mask, mask_of(at(kMask)->shape, a));
  }
  a.causal = node.attributes.integer("unidirectional", 0) != 0;
  a.filter = static_cast<double>(node.attributes.real("mask_filter_value", -10000));
  a.scale = static_cast<double>(node.attributes.real("scale", 0));
  if (a.scale == 0) a.scale = 1 / std::sqrt(static_cast<double>(a.size));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  context.set_shape(0, {a.n, a.s, a.hidden()});
  context.set_shape(1, {2, a.n, a.heads, a.total(), a.size});
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  Lanes lanes;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  lanes.inputs[kX] = single_lane(3, 0);
  if (context.has(kMask)) {
    const Shape& mask = context.shape(kMask);
    if (mask[0] != context.shape(kX)[0]) return make_error(Code::bad_input, "its mask has no axis of rows");
    lanes.inputs[kMask] = single_lane(mask.rank(), 0);
  }
  if (context.has(kPast)) lanes.inputs[kPast] = single_lane(5, 1);
  lanes.outputs = {single_lane(3, 0), single_lane(5, 1)};
  return lanes;
}

// One head of one image. Scratch: the scores of one query, a column's sums, and Q, K and V as [3, s, size].
class Head {
 public:
  Head(const Args& a, const Call& call, std::int64_t n, std::int64_t h)
      : a_(a),
        call_(call),
        n_(n),
        h_(h),
        scores_(reinterpret_cast<double*>(call.scratch)),
        sums_(scores_ + a.total()),
        products_(reinterpret_cast<std::int64_t*>(sums_ + a.size)),
        projected_(reinterpret_cast<float*>(products_ + a.size)) {}

  void run() {
    for (int which = 0; which < 3; which++) {
      if (a_.weights == DType::u8) {
        project<std::uint8_t>(which);
      } else {
        project<std::int8_t>(which);
      }
    }
    if (a_.wants_present) write_present();
    for (std::int64_t i = 0; i < a_.s; i++) attend(i);
  }

 private:
  template <class W>
  void project(int which) {
    const std::int64_t columns = 3 * a_.hidden(), first = which * a_.hidden() + h_ * a_.size;
    const int x_zero = a_.has_x_zero ? *call_.in<std::uint8_t>(kXZero) : 0;
    for (std::int64_t i = 0; i < a_.s; i++) {
      const std::uint8_t* x = call_.in<std::uint8_t>(kX) + (n_ * a_.s + i) * a_.in;
      std::fill_n(products_, a_.size, 0);
      std::int64_t total = 0;
      for (std::int64_t k = 0; k < a_.in; k++) {
        const int steps = x[k] - x_zero;
        const W* w = call_.in<W>(kW) + k * columns + first;
        total += steps;
        for (std::int64_t j = 0; j < a_.size; j++) products_[j] += steps * w[j];
      }
      float* dst = projected_ + (which * a_.s + i) * a_.size;
      for (std::int64_t j = 0; j < a_.size; j++) {
        const std::int64_t column = first + j;
        const std::int64_t zero = a_.has_w_zero ? call_.in<W>(kWZero)[a_.zero_per_column ? column : 0] : 0;
        const float scale = call_.in(kWScale)[a_.scale_per_column ? column : 0] * *call_.in(kXScale);
        dst[j] = static_cast<float>(products_[j] - zero * total) * scale + call_.in(kB)[column];
      }
    }
  }

  // The keys (1) or values (2) of position t, past ones first.
  const float* line(int which, std::int64_t t) const {
    if (t >= a_.past) return projected_ + (which * a_.s + t - a_.past) * a_.size;
    return call_.in(kPast) + (((which - 1) * a_.n + n_) * a_.heads + h_) * a_.past * a_.size + t * a_.size;
  }

  void write_present() const {
    for (int which = 1; which < 3; which++) {
      float* dst = call_.out(1) + (((which - 1) * a_.n + n_) * a_.heads + h_) * a_.total() * a_.size;
      for (std::int64_t t = 0; t < a_.total(); t++) std::copy_n(line(which, t), a_.size, dst + t * a_.size);
    }
  }

  bool masked(std::int64_t i, std::int64_t t) const {
    const std::int32_t* mask = call_.in<std::int32_t>(kMask);
    switch (a_.mask) {
      case Mask::none:
        return false;
      case Mask::ends:
        return t >= mask[n_];
      case Mask::starts:
        return t >= mask[n_] || t < mask[a_.n + n_];
      case Mask::keys:
        return mask[n_ * a_.total() + t] <= 0;
      case Mask::pairs:
        return mask[(n_ * a_.s + i) * a_.total() + t] <= 0;
    }
    return false;
  }

  void attend(std::int64_t i) {
    const float* q = projected_ + i * a_.size;
    const std::int64_t total = a_.total(), seen = a_.causal ? a_.past + i + 1 : total;
    double most = -kInf;
    for (std::int64_t t = 0; t < seen; t++) {
      const float* k = line(1, t);
      double score = 0;
      for (std::int64_t x = 0; x < a_.size; x++) score += static_cast<double>(q[x]) * static_cast<double>(k[x]);
      scores_[t] = score * a_.scale + (masked(i, t) ? a_.filter : 0);
      most = std::max(most, scores_[t]);
    }
    double sum = 0;
    for (std::int64_t t = 0; t < seen; t++) sum += scores_[t] = std::exp(scores_[t] - most);
    std::fill_n(sums_, a_.size, 0.0);
    for (std::int64_t t = 0; t < seen; t++) {
      const float* v = line(2, t);
      for (std::int64_t x = 0; x < a_.size; x++) sums_[x] += scores_[t] / sum * static_cast<double>(v[x]);
    }
    float* y = call_.out() + ((n_ * a_.s + i) * a_.heads + h_) * a_.size;
    for (std::int64_t x = 0; x < a_.size; x++) y[x] = static_cast<float>(sums_[x]);
  }

  const Args& a_;
  const Call& call_;
  const std::int64_t n_, h_;
  double *scores_, *sums_;
  std::int64_t* products_;
  float* projected_;
};

void run(const Args& a, const Call& call) {
  const Range heads = call.slice.of(a.n * a.heads);
  for (std::int64_t i = heads.begin; i < heads.end && !call.cancel.requested(); i++)
    Head(a, call, i / a.heads, i % a.heads).run();
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  a.wants_present = context.wants_output(1);
  Step step = make_step<run>(a, "q_attention");
  step.scratch_bytes = static_cast<std::size_t>(a.total() + 2 * a.size) * sizeof(double) +
                       static_cast<std::size_t>(3 * a.s * a.size) * sizeof(float);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(a.n * a.heads, 1, 256));
  step.flops = static_cast<double>(a.n * a.s) * static_cast<double>(a.hidden()) *
               (6.0 * static_cast<double>(a.in) + 4.0 * static_cast<double>(a.total()));
  return step;
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAttributes[] = {{"do_rotary", AttrKind::integer, false, 0, 0},
                                    {"mask_filter_value", AttrKind::real},
                                    {"num_heads", AttrKind::integer, true, 1, 1 << 20},
                                    {"past_present_share_buffer", AttrKind::integer, false, 0, 0},
                                    {"scale", AttrKind::real},
                                    {"unidirectional", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kF32 = types(DType::f32), kI32 = types(DType::i32), kU8 = types(DType::u8);
constexpr TypeMask kWeights = types(DType::u8, DType::i8);
constexpr TypeMask kTypes[] = {kU8, kWeights, kF32, kF32, kF32, kI32, kU8, kWeights, kF32};

constexpr OpDef kOps[] = {{.name = "QAttention",
                           .domain = "com.microsoft",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {5, 9},
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .own_type = 0b10000010,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .note = "no rotary embedding, no int8 input, no mask of rank 4"}};

}  // namespace
extern const std::span<const OpDef> ops_q_attention;
constinit const std::span<const OpDef> ops_q_attention{kOps};

}  // namespace adze
