// SwiGLU: a * sigmoid(alpha a) * b.
#include <cmath>

#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t elements;
  double alpha;
};

Result<void> infer(InferContext& context) {
  if (context.shape(0) != context.shape(1)) return make_error(Code::invalid_model, "the inputs' shapes differ");
  return infer_same_shape(context);
}

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const auto a = static_cast<double>(static_cast<Compute<T>>(call.in<T>()[i]));
      const auto b = static_cast<double>(static_cast<Compute<T>>(call.in<T>(1)[i]));
      call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(a / (1 + std::exp(-args.alpha * a)) * b));
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const Args args{context.in(0).type, context.in(0).elements(),
                  static_cast<double>(context.node.attributes.real("alpha", 1))};
  Step step = make_step<run>(args, "swiglu");
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 0b11;
  return step;
}

constexpr int kVersions[] = {28};
constexpr AttrSpec kAttributes[] = {{"alpha", AttrKind::real}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "SwiGLU",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent}};

}  // namespace
extern const std::span<const OpDef> ops_swiglu;
constinit const std::span<const OpDef> ops_swiglu{kOps};

}  // namespace adze
