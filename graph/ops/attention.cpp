// Attention: softmax(scale Q K^T + bias) V per head (Vaswani et al.), with grouped heads, a cache of past keys and
// values, and masks: given, causal, a window, or padding. Scores are kept in double, one row at a time.
//
// Q [n, heads, s, size] or [n, s, heads * size]; K and V alike with their own heads and length.
#include <cmath>
#include <limits>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
enum Input { kQ, kK, kV, kMask, kPastKey, kPastValue, kValid };

// One of Q, K, V: where head h of position s of image n starts, in either layout.
struct Heads {
  std::int64_t n = 0, heads = 0, s = 0, size = 0;
  bool packed = false;
  std::int64_t at(std::int64_t image, std::int64_t h, std::int64_t position) const {
    return (packed ? (image * s + position) * heads + h : (image * heads + h) * s + position) * size;
  }
};

struct Args {
  DType type, v_type, mask_type;
  Heads q, k, v;
  std::int64_t past = 0, total = 0;  // keys
  std::array<std::int64_t, 4> mask;  // strides by n, head, query, key; 0 where broadcast
  std::int64_t mask_keys = 0;        // keys that the mask covers; those behind are masked out
  double scale = 0, softcap = 0;
  std::int64_t left = -1, right = -1;
  bool causal = false, has_mask = false, has_past = false, has_valid = false;
  int qk_mode = 0;
  bool wants_key = false, wants_value = false, wants_qk = false;
};

Result<Heads> heads_of(const Shape& shape, std::int64_t heads) {
  Heads h;
  h.packed = shape.rank() == 3;
  if (shape.rank() != 3 && shape.rank() != 4) {
    return make_error(Code::invalid_model, "rank ", shape.rank(), " is not 3 or 4");
  }
  h.n = shape[0];
  h.heads = h.packed ? heads : shape[1];
  h.s = h.packed ? shape[1] : shape[2];
  if (h.heads < 1 || (h.packed && shape[2] % h.heads)) {
    return make_error(Code::invalid_model, heads, " heads don't divide ", to_string(shape));
  }
  h.size = h.packed ? shape[2] / h.heads : shape[3];
  return h;
}

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto has = [&](std::size_t i) { return i < inputs.size() && inputs[i]; };
  const auto misfit = [&](std::string_view what) {
    return make_error(Code::invalid_model, what, " doesn't fit the other inputs");
  };
  Args a{};
  const Attributes& attributes = node.attributes;
  ADZE_TRY(a.q, heads_of(inputs[kQ]->shape, attributes.integer("q_num_heads", 0)));
  ADZE_TRY(a.k, heads_of(inputs[kK]->shape, attributes.integer("kv_num_heads", 0)));
  ADZE_TRY(a.v, heads_of(inputs[kV]->shape, attributes.integer("kv_num_heads", 0)));
  if (a.k.n != a.q.n || a.v.n != a.q.n || a.k.size != a.q.size || a.k.heads != a.v.heads || a.k.s != a.v.s ||
      a.q.heads % a.k.heads) {
    return misfit("K or V");
  }
  a.type = inputs[kQ]->type;
  a.v_type = inputs[kV]->type;
  a.has_past = has(kPastKey);
  if (a.has_past != has(kPastValue)) return make_error(Code::invalid_model, "past_key and past_value belong together");
  if (a.has_past) {
    const Shape &key = inputs[kPastKey]->shape, &value = inputs[kPastValue]->shape;
    if (key.rank() != 4 || inputs[kPastValue]->type != a.v_type) {
      return misfit("past_key");
    }
    a.past = key[2];
    if (key != Shape{a.k.n, a.k.heads, a.past, a.k.size} || value != Shape{a.k.n, a.k.heads, a.past, a.v.size}) {
      return misfit("past_key or past_value");
    }
  }
  a.total = a.past + a.k.s;
  a.has_valid = has(kValid);
  if (a.has_valid && inputs[kValid]->elements() != a.q.n) return misfit("nonpad_kv_seqlen");
  a.has_mask = has(kMask);
  if (a.has_mask) {
    const Shape& mask = inputs[kMask]->shape;
    a.mask_type = inputs[kMask]->type;
    a.mask_keys = mask.rank() ? mask.back() : 1;
    if (mask.rank() > 4 || mask.rank() < 1) return misfit("attn_mask");
    const std::int64_t want[] = {a.q.n, a.q.heads, a.q.s};
    const auto strides = mask.strides();
    for (int axis = 0; axis < 4; axis++) {
      const int at = mask.rank() - 4 + axis;
      if (at < 0) continue;
      if (axis < 3 && mask[at] != 1 && mask[at] != want[axis]) return misfit("attn_mask");
      a.mask[static_cast<std::size_t>(axis)] = mask[at] == 1 ? 0 : strides[static_cast<std::size_t>(at)];
    }
    if (a.mask_keys == 1) a.mask_keys = a.total;
    if (a.mask_keys > a.total) return misfit("attn_mask");
  }
  a.scale = static_cast<double>(attributes.real("scale", 0));
  if (!attributes.has("scale")) a.scale = 1 / std::sqrt(static_cast<double>(a.q.size));
  a.softcap = static_cast<double>(attributes.real("softcap", 0));
  a.causal = attributes.integer("is_causal", 0) != 0;
  a.left = attributes.integer("left_window_size", -1);
  a.right = attributes.integer("right_window_size", -1);
  a.qk_mode = static_cast<int>(attributes.integer("qk_matmul_output_mode", 0));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  context.set_shape(0,
                    a.q.packed ? Shape{a.q.n, a.q.s, a.q.heads * a.v.size} : Shape{a.q.n, a.q.heads, a.q.s, a.v.size});
  context.set_shape(1, {a.k.n, a.k.heads, a.total, a.k.size});
  context.set_shape(2, {a.v.n, a.v.heads, a.total, a.v.size});
  context.set_shape(3, {a.q.n, a.q.heads, a.q.s, a.total});
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  ADZE_TRY(Lanes lanes, lanes_by_row<kQ, kK, kV, kPastKey, kPastValue, kValid>(context));
  if (context.has(kMask) && context.shape(kMask).rank() == 4) lanes.inputs[kMask] = single_lane(4, 0);
  return lanes;
}

template <class T>
double real(const T* p, std::int64_t i) {
  return static_cast<double>(static_cast<Compute<T>>(p[i]));
}
template <class T>
T rounded(double x) {
  return static_cast<T>(static_cast<Compute<T>>(x));
}

// Past and new keys or values as one [n, heads, total, size].
template <class T>
void write_present(const Heads& h, std::int64_t past, const T* before, const T* now, T* dst, Slice slice) {
  const std::int64_t total = past + h.s;
  const Range lines = slice.of(h.n * h.heads * total);
  for (std::int64_t line = lines.begin; line < lines.end; line++) {
    const std::int64_t t = line % total, head = line / total;
    const T* src =
        t < past ? before + (head * past + t) * h.size : now + h.at(head / h.heads, head % h.heads, t - past);
    std::copy_n(src, h.size, dst + line * h.size);
  }
}

// What is added to the score of each key of one query; false where the key is masked out.
bool bias_of(const Args& a, const Call& call, std::int64_t n, std::int64_t h, std::int64_t i, std::int64_t j,
             std::int64_t offset, std::int64_t valid, double& bias) {
  bias = 0;
  const std::int64_t behind = i + offset - j;  // how far the key lies before the query
  if ((a.causal && behind < 0) || (a.left >= 0 && behind > a.left) || (a.right >= 0 && -behind > a.right)) return false;
  if (j >= valid) return false;
  if (!a.has_mask) return true;
  if (j >= a.mask_keys) return false;
  const std::int64_t at = n * a.mask[0] + h * a.mask[1] + i * a.mask[2] + j * a.mask[3];
  if (a.mask_type == DType::boolean) return call.in<bool>(kMask)[at];
  dispatch(a.mask_type, [&](auto tag) {
    using M = typename decltype(tag)::type;
    bias = real(call.in<M>(kMask), at);
  });
  return bias != -kInf;
}

template <class T, class V>
void run_as(const Args& a, const Call& call) {
  if (a.wants_key) write_present(a.k, a.past, call.in<T>(kPastKey), call.in<T>(kK), call.out<T>(1), call.slice);
  if (a.wants_value) write_present(a.v, a.past, call.in<V>(kPastValue), call.in<V>(kV), call.out<V>(2), call.slice);
  auto* scores = reinterpret_cast<double*>(call.scratch);
  double* sums = scores + a.total;
  const Range rows = call.slice.of(a.q.n * a.q.heads * a.q.s);
  for (std::int64_t row = rows.begin; row < rows.end && !call.cancel.requested(); row++) {
    const std::int64_t i = row % a.q.s, h = row / a.q.s % a.q.heads, n = row / a.q.s / a.q.heads;
    const std::int64_t kv = h / (a.q.heads / a.k.heads), past_head = (n * a.k.heads + kv) * a.past;
    const std::int64_t valid = a.has_valid ? call.in<std::int64_t>(kValid)[n] : a.total;
    const std::int64_t offset = a.has_past ? a.past : a.has_valid ? valid - a.q.s : 0;
    const T* q = call.in<T>(kQ) + a.q.at(n, h, i);
    const auto report = [&](int mode, std::int64_t j, double x) {
      if (a.wants_qk && a.qk_mode == mode) call.out<T>(3)[row * a.total + j] = rounded<T>(x);
    };
    double most = -kInf;
    for (std::int64_t j = 0; j < a.total; j++) {
      const T* k =
          j < a.past ? call.in<T>(kPastKey) + (past_head + j) * a.k.size : call.in<T>(kK) + a.k.at(n, kv, j - a.past);
      double score = 0;
      for (std::int64_t x = 0; x < a.q.size; x++) score += real(q, x) * real(k, x);
      score *= a.scale;
      report(0, j, score);
      if (a.softcap > 0) score = a.softcap * std::tanh(score / a.softcap);
      report(1, j, score);
      double bias;
      scores[j] = bias_of(a, call, n, h, i, j, offset, valid, bias) ? score + bias : -kInf;
      report(2, j, scores[j]);
      most = std::max(most, scores[j]);
    }
    // A query that sees no key gives zeros.
    double sum = 0;
    for (std::int64_t j = 0; j < a.total; j++) sum += scores[j] = most == -kInf ? 0 : std::exp(scores[j] - most);
    std::fill_n(sums, a.v.size, 0.0);
    for (std::int64_t j = 0; j < a.total; j++) {
      const double p = sum > 0 ? scores[j] / sum : 0;
      report(3, j, p);
      if (p == 0) continue;
      const V* v =
          j < a.past ? call.in<V>(kPastValue) + (past_head + j) * a.v.size : call.in<V>(kV) + a.v.at(n, kv, j - a.past);
      for (std::int64_t x = 0; x < a.v.size; x++) sums[x] += p * real(v, x);
    }
    const std::int64_t at = a.q.packed ? ((n * a.q.s + i) * a.q.heads + h) * a.v.size : row * a.v.size;
    for (std::int64_t x = 0; x < a.v.size; x++) call.out<T>()[at + x] = rounded<T>(sums[x]);
  }
}

void run(const Args& a, const Call& call) {
  dispatch_float(a.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    dispatch_float(a.v_type, [&](auto v_tag) { run_as<T, typename decltype(v_tag)::type>(a, call); });
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  a.wants_key = context.wants_output(1);
  a.wants_value = context.wants_output(2);
  a.wants_qk = context.wants_output(3);
  const std::int64_t rows = a.q.n * a.q.heads * a.q.s;
  Step step = make_step<run>(a, "attention");
  step.scratch_bytes = static_cast<std::size_t>(a.total + a.v.size) * sizeof(double);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(rows, 1, 256));
  step.flops = 2.0 * static_cast<double>(rows * a.total * (a.q.size + a.v.size));
  return step;
}

DType output_type_of(const Node&, std::span<const DType> in, int i) {
  return i == 2 ? in[kV] : i == 1 ? in[kK] : in[kQ];
}

constexpr int kVersions[] = {23, 24, 25};
constexpr AttrSpec kAttributes[] = {{"is_causal", AttrKind::integer, false, 0, 1},
                                    {"kv_num_heads", AttrKind::integer, false, 0, 1 << 20},
                                    {"q_num_heads", AttrKind::integer, false, 0, 1 << 20},
                                    {"left_window_size", AttrKind::integer, false, -1},
                                    {"right_window_size", AttrKind::integer, false, -1},
                                    {"qk_matmul_output_mode", AttrKind::integer, false, 0, 3},
                                    {"scale", AttrKind::real},
                                    {"softcap", AttrKind::real},
                                    {"softmax_precision", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats, kFloats, kFloats, kAnyType, kFloats, kFloats, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "Attention",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 7},
                           .outputs = {1, 4},
                           .input_types = kTypes,
                           .own_type = 0b100100,
                           .output_type = output_type_of,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_attention;
constinit const std::span<const OpDef> ops_attention{kOps};

}  // namespace adze
