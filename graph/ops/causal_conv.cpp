// CausalConvWithState: a depthwise convolution over time that sees the present and the k - 1 positions before it; those
// before the first come from, and the last ones go to, a state.
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t n, c, length, k;
  bool bias, past, swish, wants_state;
};

Result<void> check(const Node& node) {
  const std::string activation = node.attributes.string("activation", "none");
  if (activation == "none" || activation == "silu" || activation == "swish") return {};
  return make_error(Code::invalid_model, "attribute \"activation\" is \"", activation, '"');
}

Result<void> infer(InferContext& context) {
  const Shape &data = context.shape(0), &weight = context.shape(1);
  bool fits = data.rank() == 3 && weight.rank() == 3 && weight[0] == data[1] && weight[1] == 1 && weight[2] >= 1;
  if (fits && context.has(2)) fits = context.shape(2) == Shape{data[1]};
  if (fits && context.has(3)) fits = context.shape(3) == Shape{data[0], data[1], weight[2] - 1};
  if (!fits) return make_error(Code::invalid_model, "weights ", to_string(weight), " don't fit ", to_string(data));
  context.set_shape(0, data);
  context.set_shape(1, {data[0], data[1], weight[2] - 1});
  return {};
}

void run(const Args& a, const Call& call) {
  const Range lines = call.slice.of(a.n * a.c);
  dispatch_float(a.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = Compute<T>;
    for (std::int64_t line = lines.begin; line < lines.end; line++) {
      const std::int64_t c = line % a.c, before = a.k - 1;
      const T *src = call.in<T>() + line * a.length, *w = call.in<T>(1) + c * a.k;
      const T* past = a.past ? call.in<T>(3) + line * before : nullptr;
      const auto at = [&](std::int64_t t) {
        if (t >= 0) return static_cast<C>(src[t]);
        return past ? static_cast<C>(past[before + t]) : C{0};
      };
      for (std::int64_t t = 0; t < a.length; t++) {
        C sum = a.bias ? static_cast<C>(call.in<T>(2)[c]) : C{0};
        for (std::int64_t i = 0; i < a.k; i++) sum += at(t - before + i) * static_cast<C>(w[i]);
        if (a.swish) sum = sum / (1 + std::exp(-sum));
        call.out<T>()[line * a.length + t] = static_cast<T>(sum);
      }
      for (std::int64_t i = 0; i < before && a.wants_state; i++) {
        call.out<T>(1)[line * before + i] = static_cast<T>(at(a.length - before + i));
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  Step step = make_step<run>(
      Args{context.in(0).type, data[0], data[1], data[2], context.in(1).shape[2], context.has(2), context.has(3),
           context.node.attributes.string("activation", "none") != "none", context.wants_output(1)},
      "causal_conv");
  step.max_parts = elementwise_parts(data.elements());
  return step;
}

constexpr int kVersions[] = {27};
constexpr AttrSpec kAttributes[] = {{"activation", AttrKind::string}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "CausalConvWithState",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 4},
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0, 3>}};

}  // namespace
extern const std::span<const OpDef> ops_causal_conv;
constinit const std::span<const OpDef> ops_causal_conv{kOps};

}  // namespace adze
