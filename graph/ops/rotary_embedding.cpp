// RotaryEmbedding: pairs of elements of each head are turned by an angle that depends on their position (Su et al.,
// "RoFormer"). Data [n, heads, s, size] or, with the attribute num_heads, [n, s, heads * size].
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t n, s, heads, size, turned;
  bool packed;  // rank 3
  bool interleaved, by_position;
  std::int64_t positions;  // rows of the caches
};

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const Shape &data = inputs[0]->shape, &cos = inputs[1]->shape;
  Args args{};
  args.type = inputs[0]->type;
  args.packed = data.rank() == 3;
  if (data.rank() != 3 && data.rank() != 4)
    return make_error(Code::invalid_model, "rank ", data.rank(), " is not 3 or 4");
  args.n = data[0];
  args.s = args.packed ? data[1] : data[2];
  args.heads = args.packed ? node.attributes.integer("num_heads", 0) : data[1];
  if (args.heads < 1 || (args.packed && data[2] % args.heads)) {
    return make_error(Code::invalid_model, "num_heads ", args.heads, " doesn't divide ", to_string(data));
  }
  args.size = args.packed ? data[2] / args.heads : data[3];
  args.turned = node.attributes.integer("rotary_embedding_dim", 0);
  if (args.turned == 0) args.turned = args.size;
  args.interleaved = node.attributes.integer("interleaved", 0) != 0;
  args.by_position = inputs.size() > 3 && inputs[3];
  args.positions = cos.rank() ? cos[0] : 0;
  const Shape want = args.by_position ? Shape{args.positions, args.turned / 2} : Shape{args.n, args.s, args.turned / 2};
  if (args.turned % 2 || args.turned > args.size || cos != want || inputs[2]->shape != want ||
      (args.by_position && inputs[3]->shape != Shape{args.n, args.s})) {
    return make_error(Code::invalid_model, "the caches ", to_string(cos), " don't fit ", to_string(data));
  }
  return args;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_CHECK(args_of(context.node, inputs));
  return infer_same_shape(context);
}

// With positions, the caches are tables that all rows share.
Result<Lanes> lanes_of(const InferContext& context) {
  return context.has(3) ? lanes_by_row<0, 3>(context) : lanes_by_row<0, 1, 2>(context);
}

void run(const Args& args, const Call& call) {
  const Range tokens = call.slice.of(args.n * args.s);
  const std::int64_t half = args.turned / 2;
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = Compute<T>;
    for (std::int64_t token = tokens.begin; token < tokens.end; token++) {
      const std::int64_t n = token / args.s, s = token % args.s;
      std::int64_t row = token;
      if (args.by_position) {
        row = call.in<std::int64_t>(3)[token];
        if (row < 0 || row >= args.positions) return call.failure.set("a position is outside the caches");
      }
      const T *cos = call.in<T>(1) + row * half, *sin = call.in<T>(2) + row * half;
      for (std::int64_t h = 0; h < args.heads; h++) {
        const std::int64_t at = (args.packed ? token * args.heads + h : (n * args.heads + h) * args.s + s) * args.size;
        const T* src = call.in<T>() + at;
        T* dst = call.out<T>() + at;
        for (std::int64_t i = 0; i < half; i++) {
          const std::int64_t first = args.interleaved ? 2 * i : i, second = args.interleaved ? 2 * i + 1 : i + half;
          const C x = static_cast<C>(src[first]), y = static_cast<C>(src[second]);
          const C c = static_cast<C>(cos[i]), d = static_cast<C>(sin[i]);
          dst[first] = static_cast<T>(c * x - d * y);
          dst[second] = static_cast<T>(d * x + c * y);
        }
        std::copy(src + args.turned, src + args.size, dst + args.turned);
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Args args, args_of(context.node, context.inputs()));
  Step step = make_step<run>(args, "rotary_embedding");
  step.max_parts = elementwise_parts(context.in(0).elements());
  return step;
}

constexpr int kVersions[] = {23};
constexpr AttrSpec kAttributes[] = {{"interleaved", AttrKind::integer, false, 0, 1},
                                    {"num_heads", AttrKind::integer, false, 0, 1 << 20},
                                    {"rotary_embedding_dim", AttrKind::integer, false, 0, 1 << 20}};
constexpr TypeMask kTypes[] = {kFloats, kFloats, kFloats, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "RotaryEmbedding",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 4},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_rotary_embedding;
constinit const std::span<const OpDef> ops_rotary_embedding{kOps};

}  // namespace adze
