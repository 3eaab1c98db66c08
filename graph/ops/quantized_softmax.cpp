// QLinearSoftmax: by the attribute "opset", along one axis from 13 on, over all axes from `axis` on before.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/quantized.h"

namespace adze {
namespace {

struct Args {
  ByteCodes x, y;
  std::int64_t outer, r, inner;  // normalised along r
};

bool one_axis(const Node& node) { return node.attributes.integer("opset", 0) >= 13; }

Result<Args> args_of(const auto& context) {
  const Shape& shape = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, shape.rank()));
  ADZE_TRY(const ByteCodes x, byte_codes(context, context.in(0).type, 1, 2));
  ADZE_TRY(const ByteCodes y, byte_codes(context, context.in(0).type, 3, 4));
  const int end = one_axis(context.node) ? axis + 1 : shape.rank();
  return Args{x, y, shape.elements(0, axis), shape.elements(axis, end), shape.elements(end, shape.rank())};
}

Result<void> infer(InferContext& context) {
  ADZE_CHECK(args_of(context));
  return infer_same_shape(context);
}

// Two codes of one type differ by 255 at most, so all powers come from one table.
void run(const Args& args, const Call& call) {
  const ByteScale x(args.x, call), y(args.y, call);
  std::array<double, 256> power;
  for (std::size_t below = 0; below < power.size(); below++) {
    power[below] = std::exp(-static_cast<double>(below) * static_cast<double>(x.scale()));
  }
  const Range lines = call.slice.of(args.outer * args.inner);
  for (std::int64_t line = lines.begin; line < lines.end && !call.cancel.requested(); line++) {
    const std::int64_t first = line / args.inner * args.r * args.inner + line % args.inner;
    const std::uint8_t* src = call.in<std::uint8_t>() + first;
    std::uint8_t* dst = call.out<std::uint8_t>() + first;
    int most = -512;
    for (std::int64_t i = 0; i < args.r; i++) most = std::max(most, x.steps(src[i * args.inner]));
    const auto powered = [&](std::int64_t i) {
      return power[static_cast<std::size_t>(most - x.steps(src[i * args.inner]))];
    };
    double sum = 0;
    for (std::int64_t i = 0; i < args.r; i++) sum += powered(i);
    for (std::int64_t i = 0; i < args.r; i++) dst[i * args.inner] = y.code(static_cast<float>(powered(i) / sum));
  }
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Args args, args_of(context));
  Step step = make_step<run>(args, "quantized_softmax");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(args.outer * args.inner, 1, 256));
  return step;
}

Result<Lanes> lanes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, rank));
  return one_axis(context.node) ? lanes_except(context, axis) : lanes_except(context, axes_from(axis, rank));
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer}, {"opset", AttrKind::integer, true}};
constexpr TypeMask kScale = types(DType::f32);
constexpr TypeMask kTypes[] = {kCodeBytes, kScale, kCodeBytes, kScale, kCodeBytes};

constexpr OpDef kOps[] = {{.name = "QLinearSoftmax",
                           .domain = "com.microsoft",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 5},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_quantized_softmax;
constinit const std::span<const OpDef> ops_quantized_softmax{kOps};

}  // namespace adze
