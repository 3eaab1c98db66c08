// LinearAttention: a state [d_k, d_v] per image and key head that every token decays, corrects and writes, and that
// its queries read ("gated", "delta": Yang et al., "Gated Delta Networks"). The state is kept in float.
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

enum Input { kQuery, kKey, kValue, kPast, kDecay, kBeta };

struct Args {
  DType type, state_type;
  std::int64_t n, t, q_heads, heads, dk, dv;
  std::int64_t decays, betas;  // per token: heads or heads * dk; heads or 1
  float scale;
  bool gated, delta, has_past, wants_state;
};

bool starts_gated(const std::string& rule) { return rule == "gated" || rule == "gated_delta"; }

Result<void> check(const Node& node) {
  const std::string rule = node.attributes.string("update_rule", "gated_delta");
  if (starts_gated(rule) || rule == "linear" || rule == "delta") return {};
  return make_error(Code::invalid_model, "attribute \"update_rule\" is \"", rule, '"');
}

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto has = [&](std::size_t i) { return i < inputs.size() && inputs[i]; };
  const Shape &q = inputs[kQuery]->shape, &k = inputs[kKey]->shape, &v = inputs[kValue]->shape;
  const std::string rule = node.attributes.string("update_rule", "gated_delta");
  Args a{};
  a.type = inputs[kQuery]->type;
  a.q_heads = node.attributes.integer("q_num_heads", 0);
  a.heads = node.attributes.integer("kv_num_heads", 0);
  a.gated = starts_gated(rule);
  a.delta = rule == "delta" || rule == "gated_delta";
  a.has_past = has(kPast);
  a.state_type = a.has_past ? inputs[kPast]->type : a.type;
  bool fits = q.rank() == 3 && k.rank() == 3 && v.rank() == 3 && a.q_heads % a.heads == 0 && q[2] % a.q_heads == 0 &&
              v[2] % a.heads == 0 && k[0] == q[0] && v[0] == q[0] && k[1] == q[1] && v[1] == q[1];
  if (fits) {
    a.n = q[0];
    a.t = q[1];
    a.dk = q[2] / a.q_heads;
    a.dv = v[2] / a.heads;
    fits = k[2] == a.heads * a.dk && (!a.has_past || inputs[kPast]->shape == Shape{a.n, a.heads, a.dk, a.dv});
  }
  if (!fits) return make_error(Code::invalid_model, "the inputs' shapes don't fit each other");
  if (a.gated != has(kDecay) || a.delta != has(kBeta)) {
    return make_error(Code::invalid_model, "update_rule \"", rule, "\" needs ", a.gated ? "a" : "no", " decay and ",
                      a.delta ? "a" : "no", " beta");
  }
  if (a.gated) {
    const Shape& decay = inputs[kDecay]->shape;
    a.decays = decay.rank() == 3 ? decay[2] : 0;
    fits = decay == Shape{a.n, a.t, a.decays} && (a.decays == a.heads || a.decays == a.heads * a.dk);
  }
  if (a.delta) {
    const Shape& beta = inputs[kBeta]->shape;
    a.betas = beta.rank() == 3 ? beta[2] : 0;
    fits = fits && beta == Shape{a.n, a.t, a.betas} && (a.betas == a.heads || a.betas == 1);
  }
  if (!fits) return make_error(Code::invalid_model, "decay or beta doesn't fit the keys");
  a.scale = node.attributes.real("scale", 0);
  if (a.scale == 0) a.scale = 1 / std::sqrt(static_cast<float>(a.dk));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  context.set_shape(0, {a.n, a.t, a.q_heads * a.dv});
  context.set_shape(1, {a.n, a.heads, a.dk, a.dv});
  return {};
}

template <class T, class S>
void run_as(const Args& a, const Call& call) {
  auto* state = reinterpret_cast<float*>(call.scratch);
  float* write = state + a.dk * a.dv;
  const std::int64_t group = a.q_heads / a.heads, size = a.dk * a.dv;
  const Range lines = call.slice.of(a.n * a.heads);
  for (std::int64_t line = lines.begin; line < lines.end; line++) {
    const std::int64_t n = line / a.heads, h = line % a.heads;
    for (std::int64_t i = 0; i < size; i++) {
      state[i] = a.has_past ? static_cast<float>(call.in<S>(kPast)[line * size + i]) : 0.0f;
    }
    for (std::int64_t t = 0; t < a.t && !call.cancel.requested(); t++) {
      const std::int64_t token = n * a.t + t;
      const T* k = call.in<T>(kKey) + (token * a.heads + h) * a.dk;
      const T* v = call.in<T>(kValue) + (token * a.heads + h) * a.dv;
      if (a.gated) {
        const bool per_row = a.decays != a.heads || a.dk == 1;
        const T* decay = call.in<T>(kDecay) + token * a.decays + (per_row ? h * a.dk : h);
        for (std::int64_t i = 0; i < a.dk; i++) {
          const float factor = std::exp(static_cast<float>(decay[per_row ? i : 0]));
          for (std::int64_t j = 0; j < a.dv; j++) state[i * a.dv + j] *= factor;
        }
      }
      for (std::int64_t j = 0; j < a.dv; j++) write[j] = static_cast<float>(v[j]);
      if (a.delta) {
        const auto beta = static_cast<float>(call.in<T>(kBeta)[token * a.betas + (a.betas == 1 ? 0 : h)]);
        for (std::int64_t i = 0; i < a.dk; i++) {
          for (std::int64_t j = 0; j < a.dv; j++) write[j] -= state[i * a.dv + j] * static_cast<float>(k[i]);
        }
        for (std::int64_t j = 0; j < a.dv; j++) write[j] *= beta;
      }
      for (std::int64_t i = 0; i < a.dk; i++) {
        for (std::int64_t j = 0; j < a.dv; j++) state[i * a.dv + j] += static_cast<float>(k[i]) * write[j];
      }
      for (std::int64_t g = 0; g < group; g++) {
        const std::int64_t head = token * a.q_heads + h * group + g;
        const T* q = call.in<T>(kQuery) + head * a.dk;
        for (std::int64_t j = 0; j < a.dv; j++) {
          float sum = 0;
          for (std::int64_t i = 0; i < a.dk; i++) sum += static_cast<float>(q[i]) * state[i * a.dv + j];
          call.out<T>()[head * a.dv + j] = static_cast<T>(a.scale * sum);
        }
      }
    }
    for (std::int64_t i = 0; i < size && a.wants_state; i++) call.out<S>(1)[line * size + i] = static_cast<S>(state[i]);
  }
}

void run(const Args& a, const Call& call) {
  dispatch_float(a.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    dispatch_float(a.state_type, [&](auto state_tag) { run_as<T, typename decltype(state_tag)::type>(a, call); });
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  a.wants_state = context.wants_output(1);
  Step step = make_step<run>(a, "linear_attention");
  step.scratch_bytes = static_cast<std::size_t>(a.dk * a.dv + a.dv) * sizeof(float);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(a.n * a.heads, 1, 256));
  step.flops = 6.0 * static_cast<double>(a.n * a.heads * a.t * a.dk * a.dv);
  return step;
}

constexpr int kVersions[] = {27};
constexpr AttrSpec kAttributes[] = {{"chunk_size", AttrKind::integer},
                                    {"kv_num_heads", AttrKind::integer, true, 1, 1 << 20},
                                    {"q_num_heads", AttrKind::integer, true, 1, 1 << 20},
                                    {"scale", AttrKind::real},
                                    {"update_rule", AttrKind::string}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "LinearAttention",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 6},
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .own_type = 0b1000,
                           .output_type =
                               [](const Node&, std::span<const DType> in, int i) {
                                 return i == 1 && in.size() > kPast && in[kPast] != DType::undefined ? in[kPast]
                                                                                                     : in[0];
                               },
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<kQuery, kKey, kValue, kPast, kDecay, kBeta>}};

}  // namespace
extern const std::span<const OpDef> ops_linear_attention;
constinit const std::span<const OpDef> ops_linear_attention{kOps};

}  // namespace adze
