// QLinearAdd, QLinearMul: 8-bit tensors added or multiplied as the real numbers that they stand for, with broadcasting.
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/quantized.h"

namespace adze {
namespace {

enum Input { kA, kAScale, kAZero, kB, kBScale, kBZero, kYScale, kYZero };

struct Args {
  ByteCodes a, b, y;
  bool multiply;
  BroadcastLoop loop;
};

Result<Args> args_of(const auto& context) {
  if (!context.has(kB)) return make_error(Code::invalid_model, "input ", static_cast<int>(kB), " is left out");
  const DType type = context.in(kA).type;
  const auto result = broadcast(context.in(kA).shape, context.in(kB).shape);
  if (!result) {
    return make_error(Code::invalid_model, "shapes ", to_string(context.in(kA).shape), " and ",
                      to_string(context.in(kB).shape), " don't broadcast");
  }
  ADZE_TRY(const ByteCodes a, byte_codes(context, type, kAScale, kAZero));
  ADZE_TRY(const ByteCodes b, byte_codes(context, type, kBScale, kBZero));
  ADZE_TRY(const ByteCodes y, byte_codes(context, type, kYScale, kYZero));
  return Args{a, b, y, context.node.op->name == "QLinearMul",
              BroadcastLoop(*result, std::vector<Shape>{context.in(kA).shape, context.in(kB).shape})};
}

Result<void> infer(InferContext& context) {
  ADZE_CHECK(args_of(context));
  context.set_shape(0, *broadcast(context.shape(kA), context.shape(kB)));
  return {};
}

void run(const Args& args, const Call& call) {
  const ByteScale a(args.a, call), b(args.b, call), y(args.y, call);
  const Range range = call.slice.of(args.loop.elements(), 64);
  const auto each = [&](auto f) {
    zip(args.loop, range, call.in<std::uint8_t>(kA), call.in<std::uint8_t>(kB), call.out<std::uint8_t>(),
        [&](std::uint8_t p, std::uint8_t q) { return y.code(f(a.value(p), b.value(q))); });
  };
  if (args.multiply) return each([](float p, float q) { return p * q; });
  each([](float p, float q) { return p + q; });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args args, args_of(context));
  const int parts = elementwise_parts(args.loop.elements());
  Step step = make_step<run>(std::move(args), "quantized_binary");
  step.max_parts = parts;
  return step;
}

Result<Lanes> lanes_of(const InferContext& context) {
  Lanes lanes;
  lanes.broadcasts = true;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  for (const std::size_t i : {kA, kB}) {
    lanes.inputs[i] = lanes_from_right(context.shape(static_cast<int>(i)).rank());
  }
  lanes.outputs = {lanes_from_right(context.outputs()[0].shape.rank())};
  return lanes;
}

constexpr int kVersions[] = {1};
constexpr TypeMask kScale = types(DType::f32);
constexpr TypeMask kTypes[] = {kCodeBytes, kScale, kCodeBytes, kCodeBytes, kScale, kCodeBytes, kScale, kCodeBytes};

constexpr OpDef op(std::string_view name) {
  return {.name = name,
          .domain = "com.microsoft",
          .versions = kVersions,
          .inputs = {2, 8},
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of};
}
constexpr OpDef kOps[] = {op("QLinearAdd"), op("QLinearMul")};

}  // namespace
extern const std::span<const OpDef> ops_quantized_binary;
constinit const std::span<const OpDef> ops_quantized_binary{kOps};

}  // namespace adze
