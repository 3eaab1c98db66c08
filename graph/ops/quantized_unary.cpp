// QLinearLeakyRelu, QLinearSigmoid: functions of 8-bit codes, by a table of all 256.
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/quantized.h"

namespace adze {
namespace {

struct Args {
  ByteCodes x, y;
  bool sigmoid;
  float alpha;
  std::int64_t elements;
};

Result<Args> args_of(const auto& context) {
  Args args;
  ADZE_TRY(args.x, byte_codes(context, context.in(0).type, 1, 2));
  ADZE_TRY(args.y, byte_codes(context, context.in(0).type, 3, 4));
  args.sigmoid = context.node.op->name == "QLinearSigmoid";
  args.alpha = context.node.attributes.real("alpha", 0.01f);
  args.elements = context.in(0).elements();
  return args;
}

Result<void> infer(InferContext& context) {
  ADZE_CHECK(args_of(context));
  return infer_same_shape(context);
}

void run(const Args& args, const Call& call) {
  const auto table = code_table(ByteScale(args.x, call), ByteScale(args.y, call), [&](float x) {
    if (args.sigmoid) return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x))));
    return x < 0 ? args.alpha * x : x;
  });
  const Range range = call.slice.of(args.elements, 64);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    call.out<std::uint8_t>()[i] = table[call.in<std::uint8_t>()[i]];
  }
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Args args, args_of(context));
  Step step = make_step<run>(args, "quantized_unary");
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 1;
  return step;
}

Result<Lanes> lanes_of(const InferContext& context) {
  return lanes_except(context, std::vector<bool>(static_cast<std::size_t>(context.shape(0).rank())));
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAlpha[] = {{"alpha", AttrKind::real}};
constexpr TypeMask kScale = types(DType::f32);
constexpr TypeMask kTypes[] = {kCodeBytes, kScale, kCodeBytes, kScale, kCodeBytes};

constexpr OpDef op(std::string_view name, std::span<const AttrSpec> attributes) {
  return {.name = name,
          .domain = "com.microsoft",
          .versions = kVersions,
          .attributes = attributes,
          .inputs = {2, 5},
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of};
}
constexpr OpDef kOps[] = {op("QLinearLeakyRelu", kAlpha), op("QLinearSigmoid", {})};

}  // namespace
extern const std::span<const OpDef> ops_quantized_unary;
constinit const std::span<const OpDef> ops_quantized_unary{kOps};

}  // namespace adze
