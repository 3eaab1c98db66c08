// IsNaN and IsInf.
#include <cmath>

#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t elements;
  bool nan, positive, negative;  // what counts
};

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const auto x = static_cast<Compute<T>>(call.in<T>()[i]);
      call.out<bool>()[i] =
          (args.nan && std::isnan(x)) || (std::isinf(x) && ((args.positive && x > 0) || (args.negative && x < 0)));
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const bool nan = context.node.op->name == "IsNaN";
  const Attributes& attributes = context.node.attributes;
  const Args args{context.in(0).type, context.in(0).elements(), nan,
                  !nan && attributes.integer("detect_positive", 1) != 0,
                  !nan && attributes.integer("detect_negative", 1) != 0};
  Step step = make_step<run>(args, "classify");
  step.max_parts = elementwise_parts(args.elements);
  return step;
}

DType boolean(const Node&, std::span<const DType>, int) { return DType::boolean; }

constexpr int kIsNan[] = {9, 13, 20}, kIsInf[] = {10, 20};
constexpr AttrSpec kSigns[] = {{"detect_positive", AttrKind::integer}, {"detect_negative", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "IsNaN",
                           .versions = kIsNan,
                           .input_types = kTypes,
                           .output_type = boolean,
                           .infer = infer_same_shape,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent},
                          {.name = "IsInf",
                           .versions = kIsInf,
                           .attributes = kSigns,
                           .input_types = kTypes,
                           .output_type = boolean,
                           .infer = infer_same_shape,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent}};

}  // namespace
extern const std::span<const OpDef> ops_classify;
constinit const std::span<const OpDef> ops_classify{kOps};

}  // namespace adze
