// MatMulInteger and QLinearMatMul: 8-bit matrices multiplied exactly in 32 bits, each less its zero point, which may
// differ per row on the left and per column on the right; the second scales and rounds the result to 8 bits again.
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/matrix_pairs.h"
#include "graph/quantized.h"

namespace adze {
namespace {

bool linear(const Node& node) { return node.op->name == "QLinearMatMul"; }

// Where the inputs are: a, b, their scales and zero points, and those of the result.
struct Inputs {
  int a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero;  // -1: none
};
Inputs inputs_of(const Node& node) {
  return linear(node) ? Inputs{0, 1, 2, 3, 4, 5, 6, 7} : Inputs{0, -1, 2, 1, -1, 3, -1, -1};
}

struct Args {
  Inputs in;
  MatrixPairs pairs;
  DType a, b, y, scale;
  std::int64_t a_zeros, b_zeros, a_scales, b_scales;  // 0: none, 1, or one per row or column
};

std::int64_t code(const Call& call, DType type, int input, std::int64_t i) {
  return type == DType::u8 ? static_cast<std::int64_t>(call.in<std::uint8_t>(input)[i])
                           : static_cast<std::int64_t>(call.in<std::int8_t>(input)[i]);
}
double scale(const Call& call, DType type, int input, std::int64_t i) {
  return dispatch_float(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<T>>(call.in<T>(input)[i]));
  });
}

void run(const Args& args, const Call& call) {
  const Product& p = args.pairs.one;
  const Range lines = call.slice.of(args.pairs.batch.elements() * p.m);
  for (std::int64_t line = lines.begin; line < lines.end && !call.cancel.requested(); line++) {
    const std::int64_t i = line % p.m;
    const auto [a, b] = args.pairs.at(line / p.m);
    // Zero points per row belong to the rows of all left matrices in turn, or to those of each.
    const std::int64_t row = args.a_zeros > p.m ? a * p.m + i : i;
    const std::int64_t a_zero = args.a_zeros ? code(call, args.a, args.in.a_zero, args.a_zeros == 1 ? 0 : row) : 0;
    for (std::int64_t j = 0; j < p.n; j++) {
      const std::int64_t column = args.b_zeros > p.n ? b * p.n + j : j;
      const std::int64_t b_zero = args.b_zeros ? code(call, args.b, args.in.b_zero, args.b_zeros == 1 ? 0 : column) : 0;
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < p.k; k++) {
        sum += (code(call, args.a, args.in.a, (a * p.m + i) * p.k + k) - a_zero) *
               (code(call, args.b, args.in.b, (b * p.k + k) * p.n + j) - b_zero);
      }
      const std::int64_t at = line * p.n + j;
      if (args.in.y_scale < 0) {
        call.out<std::int32_t>()[at] = static_cast<std::int32_t>(sum);
        continue;
      }
      const double factor = scale(call, args.scale, args.in.a_scale, args.a_scales == 1 ? 0 : row) *
                            scale(call, args.scale, args.in.b_scale, args.b_scales == 1 ? 0 : column) /
                            scale(call, args.scale, args.in.y_scale, 0);
      const double steps = static_cast<double>(sum) * factor;
      const auto y_zero = static_cast<double>(code(call, args.y, args.in.y_zero, 0));
      if (args.y == DType::u8) {
        call.out<std::uint8_t>()[at] = nearest_code<std::uint8_t>(steps, y_zero, {0, 255});
      } else {
        call.out<std::int8_t>()[at] = nearest_code<std::int8_t>(steps, y_zero, {-128, 127});
      }
    }
  }
}

Result<void> infer(InferContext& context) {
  const Inputs in = inputs_of(context.node);
  ADZE_TRY(const MatrixPairs pairs, matrix_pairs(context.shape(in.a), context.shape(in.b)));
  const auto fits = [&](int input, std::int64_t each, const Shape& operand) {
    if (input < 0 || !context.has(input)) return true;
    const std::int64_t n = context.in(input).elements();
    return n == 1 || n == each || n == operand.elements() / std::max<std::int64_t>(pairs.one.k, 1);
  };
  if (!fits(in.a_zero, pairs.one.m, context.shape(in.a)) || !fits(in.b_zero, pairs.one.n, context.shape(in.b)) ||
      !fits(in.a_scale, pairs.one.m, context.shape(in.a)) || !fits(in.b_scale, pairs.one.n, context.shape(in.b))) {
    return make_error(Code::invalid_model, "scales or zero points don't fit the matrices");
  }
  context.set_shape(0, pairs.result);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const Inputs in = inputs_of(context.node);
  return lanes_of_pairs(context, in.a, in.b);
}

Result<Step> prepare(PrepareContext& context) {
  const Inputs in = inputs_of(context.node);
  ADZE_TRY(const MatrixPairs pairs, matrix_pairs(context.in(in.a).shape, context.in(in.b).shape));
  const auto count = [&](int input) { return input >= 0 && context.has(input) ? context.in(input).elements() : 0; };
  for (const auto& [zero, operand] : {std::pair{in.a_zero, in.a}, std::pair{in.b_zero, in.b}}) {
    if (count(zero) && context.in(zero).type != context.in(operand).type) {
      return make_error(Code::invalid_model, "a zero point has another type than its matrix");
    }
  }
  const DType scale = in.a_scale < 0 ? DType::undefined : context.in(in.a_scale).type;
  if (in.a_scale >= 0 && (context.in(in.b_scale).type != scale || context.in(in.y_scale).type != scale)) {
    return make_error(Code::invalid_model, "the scales differ in type");
  }
  Step step = make_step<run>(Args{in, pairs, context.in(in.a).type, context.in(in.b).type, context.out().type, scale,
                                  count(in.a_zero), count(in.b_zero), count(in.a_scale), count(in.b_scale)},
                             "integer_product");
  const double lines = static_cast<double>(pairs.batch.elements());
  step.flops = pairs.one.flops() * lines;
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(pairs.batch.elements() * pairs.one.m, 1, 256));
  return step;
}

constexpr int kInteger[] = {10}, kLinear[] = {10, 21};
constexpr TypeMask kBytes = types(DType::u8, DType::i8);
constexpr TypeMask kIntegerTypes[] = {kBytes};
constexpr TypeMask kScale = types(DType::f32, DType::f16, DType::bf16);
constexpr TypeMask kLinearTypes[] = {kBytes, kScale, kBytes, kBytes, kScale, kBytes, kScale, kBytes};

constexpr OpDef kOps[] = {{.name = "MatMulInteger",
                           .versions = kInteger,
                           .inputs = {2, 4},
                           .input_types = kIntegerTypes,
                           .own_type = 0b1010,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::i32; },
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of},
                          {.name = "QLinearMatMul",
                           .versions = kLinear,
                           .inputs = {8, 8},
                           .input_types = kLinearTypes,
                           .own_type = 0b10101000,
                           .output_type = [](const Node&, std::span<const DType> in, int) { return in[7]; },
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_integer_product;
constinit const std::span<const OpDef> ops_integer_product{kOps};

}  // namespace adze
