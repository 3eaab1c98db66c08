// The activations that may also ride in another operator's epilogue. f32 runs on vectors, 16-bit floats through f32,
// f64 and the integers of Relu by the formula.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graph/scalar_map.h"
#include "kernels/eltwise/eltwise.h"

namespace adze {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

ActivationArgs activation_of(const Node& node) {
  const std::string_view name = node.op->name;
  const auto real = [&](std::string_view attribute, float otherwise) {
    return node.attributes.real(attribute, otherwise);
  };
  if (name == "Relu") return {Activation::clip, 0, kInfinity};
  if (name == "LeakyRelu") return {Activation::leaky_relu, real("alpha", 0.01f), 0};
  if (name == "HardSigmoid") return {Activation::hard_sigmoid, real("alpha", 0.2f), real("beta", 0.5f)};
  if (name == "HardSwish") return {Activation::hard_swish, 0, 0};
  if (name == "Sigmoid") return {Activation::sigmoid, 0, 0};
  if (name == "Tanh") return {Activation::tanh, 0, 0};
  if (name == "Elu") return {Activation::elu, real("alpha", 1), 0};
  // The defaults changed with version 6 to the constants of the paper.
  if (name == "Selu" && node.version < 6) return {Activation::selu, real("alpha", 1.6732f), real("gamma", 1.0507f)};
  if (name == "Selu") return {Activation::selu, real("alpha", 1.67326319f), real("gamma", 1.05070102f)};
  if (name == "Softplus") return {Activation::softplus, 0, 0};
  if (name == "Mish") return {Activation::mish, 0, 0};
  if (name == "Swish") return {Activation::silu, real("alpha", 1), 0};
  return {node.attributes.string("approximate", "none") == "tanh" ? Activation::gelu_tanh : Activation::gelu, 0, 0};
}

Result<void> check(const Node& node) {
  const std::string approximate = node.attributes.string("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    return make_error(Code::invalid_model, "attribute \"approximate\" is \"", approximate, '"');
  }
  return {};
}

double apply(const ActivationArgs& a, double x) {
  const auto clip = [](double v, double low, double high) {
    return std::isnan(v) ? v : std::min(high, std::max(low, v));
  };
  const auto softplus = [](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::fabs(v))); };
  switch (a.kind) {
    case Activation::none:
      return x;
    case Activation::clip:
      return clip(x, a.alpha, a.beta);
    case Activation::leaky_relu:
      return x < 0 ? a.alpha * x : x;
    case Activation::hard_sigmoid:
      return clip(a.alpha * x + a.beta, 0, 1);
    case Activation::hard_swish:
      return x * clip(x / 6 + 0.5, 0, 1);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::silu:
      return x / (1 + std::exp(-static_cast<double>(a.alpha) * x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(M_2_PI) * (x + 0.044715 * x * x * x)));
    case Activation::elu:
      return x < 0 ? a.alpha * std::expm1(x) : x;
    case Activation::selu:
      return a.beta * (x < 0 ? a.alpha * std::expm1(x) : x);
    case Activation::softplus:
      return softplus(x);
    case Activation::mish:
      return x * std::tanh(softplus(x));
  }
  return x;
}

struct Args {
  ActivateFn kernel;
  ActivationArgs activation;
  DType type;
  std::int64_t elements;
};

// The kernels know x sigmoid(x) alone.
bool scaled(const ActivationArgs& a) { return a.kind == Activation::silu && a.alpha != 1; }

void scaled_silu(const Args& args, const float* src, float* dst, std::int64_t n) {
  std::array<float, 256> gate;
  constexpr auto kChunk = static_cast<std::int64_t>(gate.size());
  for (; n > 0; src += kChunk, dst += kChunk, n -= kChunk) {
    const std::int64_t count = std::min(n, kChunk);
    for (std::int64_t i = 0; i < count; i++) gate[static_cast<std::size_t>(i)] = args.activation.alpha * src[i];
    args.kernel({Activation::sigmoid, 0, 0}, gate.data(), gate.data(), count);
    for (std::int64_t i = 0; i < count; i++) dst[i] = src[i] * gate[static_cast<std::size_t>(i)];
  }
}

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* src = call.in<T>() + range.begin;
    T* dst = call.out<T>() + range.begin;
    const auto vector = [&](const float* from, float* to, std::int64_t n) {
      scaled(args.activation) ? scaled_silu(args, from, to, n) : args.kernel(args.activation, from, to, n);
    };
    if constexpr (std::is_same_v<T, float>) {
      vector(src, dst, range.size());
    } else if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
      through_float(src, dst, range.size(), vector);
    } else if constexpr (std::is_same_v<T, double>) {
      for (std::int64_t i = 0; i < range.size(); i++) dst[i] = apply(args.activation, src[i]);
    } else {
      for (std::int64_t i = 0; i < range.size(); i++) dst[i] = std::max(src[i], T{0});  // Relu alone takes integers
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const auto& kernel = activate_f32.best(context.isa);
  const Args args{kernel.fn, activation_of(context.node), context.in(0).type, context.in(0).elements()};
  Step step = make_step<run>(args, concat("activate_f32/", isa_name(kernel.isa)));
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 1;
  return step;
}

constexpr TypeMask kFloatTypes[] = {kFloats};
constexpr TypeMask kReluTypes[] = {kFloats | kSigned};
constexpr int kFrom6And13[] = {1, 6, 13}, kRelu[] = {1, 6, 13, 14}, kLeaky[] = {1, 6, 16};
constexpr int kFrom22[] = {1, 6, 22}, kHardSwish[] = {14, 22}, kSoftplus[] = {1, 22}, kMish[] = {18, 22},
              kGelu[] = {20};
constexpr int kSwish[] = {24};
constexpr AttrSpec kAttributes[] = {
    {"alpha", AttrKind::real}, {"beta", AttrKind::real}, {"gamma", AttrKind::real}, {"approximate", AttrKind::string}};

constexpr OpDef op(std::string_view name, std::span<const int> versions,
                   std::span<const TypeMask> types = kFloatTypes) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .input_types = types,
          .check = check,
          .infer = infer_same_shape,
          .prepare = prepare,
          .lanes = lanes_elementwise,
          .layout = LayoutRule::transparent,
          .as_activation = [](const Node& node, const Graph&) {
            const ActivationArgs activation = activation_of(node);
            return scaled(activation) ? std::nullopt : std::optional(activation);
          }};
}
constexpr OpDef kOps[] = {
    op("Relu", kRelu, kReluTypes), op("LeakyRelu", kLeaky), op("HardSigmoid", kFrom22), op("HardSwish", kHardSwish),
    op("Sigmoid", kFrom6And13),    op("Tanh", kFrom6And13), op("Elu", kFrom22),         op("Selu", kFrom22),
    op("Softplus", kSoftplus),     op("Mish", kMish),       op("Gelu", kGelu),          op("Swish", kSwish)};

}  // namespace
extern const std::span<const OpDef> ops_activation;
constinit const std::span<const OpDef> ops_activation{kOps};

}  // namespace adze
