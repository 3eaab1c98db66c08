// Clip. The bounds were attributes before version 11 and are inputs since; where they cross, the upper one wins.
#include <limits>

#include "graph/elementwise.h"
#include "kernels/eltwise/eltwise.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 6, 11, 12, 13};
constexpr AttrSpec kAttributes[] = {{"min", AttrKind::real}, {"max", AttrKind::real}};
constexpr TypeMask kTypes[] = {kNumbers};

struct Args {
  ActivateFn kernel;
  DType type;
  std::int64_t elements;
  bool has_min, has_max;  // inputs
  float low, high;        // attributes
};

Result<void> infer(InferContext& context) {
  for (int i = 1; i <= 2; i++) {
    if (context.has(i) && context.in(i).elements() != 1) {
      return make_error(Code::invalid_model, "bound of shape ", to_string(context.shape(i)), " is not a scalar");
    }
  }
  return infer_same_shape(context);
}

// The least and the greatest value, infinite where the type has infinities.
template <class T>
constexpr std::pair<Compute<T>, Compute<T>> kWhole = [] {
  using Limits = std::numeric_limits<Compute<T>>;
  if constexpr (Limits::has_infinity) return std::pair{-Limits::infinity(), Limits::infinity()};
  return std::pair{Limits::lowest(), Limits::max()};
}();

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) {
      using C = Compute<T>;
      C low = kWhole<T>.first, high = kWhole<T>.second;
      if constexpr (std::is_floating_point_v<C>) {
        low = static_cast<C>(args.low);
        high = static_cast<C>(args.high);
      }
      if (args.has_min) low = static_cast<C>(*call.in<T>(1));
      if (args.has_max) high = static_cast<C>(*call.in<T>(2));
      const T* src = call.in<T>() + range.begin;
      T* dst = call.out<T>() + range.begin;
      if constexpr (std::is_same_v<T, float>) {
        args.kernel({Activation::clip, low, high}, src, dst, range.size());
      } else {
        for (std::int64_t i = 0; i < range.size(); i++) {
          const C x = static_cast<C>(src[i]);
          dst[i] = static_cast<T>(x != x ? x : std::min(high, std::max(low, x)));
        }
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const auto& kernel = activate_f32.best(context.isa);
  const Node& node = context.node;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Args args{kernel.fn,
                  context.in(0).type,
                  context.in(0).elements(),
                  context.has(1),
                  context.has(2),
                  node.attributes.real("min", -kInfinity),
                  node.attributes.real("max", kInfinity)};
  Step step = make_step<run>(args, concat("activate_f32/", isa_name(kernel.isa)));
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 1;
  return step;
}

std::optional<ActivationArgs> as_activation(const Node& node, const Graph& graph) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float bounds[2] = {node.attributes.real("min", -kInfinity), node.attributes.real("max", kInfinity)};
  for (std::size_t i = 1; i < node.inputs.size() && i <= 2; i++) {
    if (node.inputs[i] == kNoValue) continue;
    const auto& constant = graph[node.inputs[i]].constant;
    if (!constant || constant->type() != DType::f32 || constant->elements() != 1) return std::nullopt;
    bounds[i - 1] = constant->as<float>()[0];
  }
  return ActivationArgs{Activation::clip, bounds[0], bounds[1]};
}

constexpr OpDef kOps[] = {{.name = "Clip",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, 3},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent,
                           .as_activation = as_activation}};

}  // namespace
extern const std::span<const OpDef> ops_clip;
constinit const std::span<const OpDef> ops_clip{kOps};

}  // namespace adze
