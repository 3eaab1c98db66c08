// QGemm: alpha A' B' + C of 8-bit matrices in 32 bits, where C counts in the product's scales, as real numbers or as
// codes again. B's scale and zero point may differ per column.
#include "graph/batch/lanes.h"
#include "graph/product.h"
#include "graph/quantized.h"

namespace adze {
namespace {

enum Input { kA, kAScale, kAZero, kB, kBScale, kBZero, kC, kYScale, kYZero };

struct Args {
  Product product;
  ByteCodes a, y;
  DType b = DType::u8;
  bool b_scales = false, b_zeros = false;  // one per column
  bool has_b_zero = false, has_c = false, quantized = false;
  Addend addend;
};

template <class A, class B>
std::int64_t dot(const Product& p, const A* a, const B* b, std::int64_t a_zero, std::int64_t b_zero, std::int64_t i,
                 std::int64_t j) {
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < p.k; k++) {
    sum += (a[p.trans_a ? k * p.m + i : i * p.k + k] - a_zero) * (b[p.trans_b ? j * p.k + k : k * p.n + j] - b_zero);
  }
  return sum;
}

// y_scale comes into the factor, so that a sum is rounded once.
template <class A, class B>
void run_as(const Args& args, const Call& call) {
  const Product& p = args.product;
  const ByteScale a(args.a, call);
  const int a_zero = args.a.zero < 0 ? 0 : *call.in<A>(args.a.zero);
  const auto* b_scale = call.in(kBScale);
  const B* b_zero = args.has_b_zero ? call.in<B>(kBZero) : nullptr;
  const Range rows = call.slice.of(p.m);
  for (std::int64_t i = rows.begin; i < rows.end && !call.cancel.requested(); i++) {
    for (std::int64_t j = 0; j < p.n; j++) {
      std::int64_t sum =
          dot(p, call.in<A>(kA), call.in<B>(kB), a_zero, b_zero ? b_zero[args.b_zeros ? j : 0] : 0, i, j);
      if (args.has_c) sum += call.in<std::int32_t>(kC)[i * args.addend.row + j * args.addend.column];
      const float factor = p.alpha * a.scale() * b_scale[args.b_scales ? j : 0];
      if (args.quantized) {
        const ByteScale y(args.y, call);
        call.out<std::uint8_t>()[i * p.n + j] = y.code_of_steps(static_cast<float>(sum) * (factor / y.scale()));
      } else {
        call.out()[i * p.n + j] = static_cast<float>(sum) * factor;
      }
    }
  }
}

void run(const Args& args, const Call& call) {
  const bool a = args.a.type == DType::i8, b = args.b == DType::i8;
  if (a) return b ? run_as<std::int8_t, std::int8_t>(args, call) : run_as<std::int8_t, std::uint8_t>(args, call);
  return b ? run_as<std::uint8_t, std::int8_t>(args, call) : run_as<std::uint8_t, std::uint8_t>(args, call);
}

template <class Context>
Result<Args> args_of(const Context& context) {
  Args args;
  ADZE_TRY(args.product, product_of(context.node, context.in(kA).shape, context.in(kB).shape));
  ADZE_TRY(args.a, byte_codes(context, context.in(kA).type, kAScale, kAZero));
  args.b = context.in(kB).type;
  args.has_b_zero = context.has(kBZero);
  if (args.has_b_zero && context.in(kBZero).type != args.b) {
    return make_error(Code::invalid_model, "B and its zero point differ in type");
  }
  const Shape columns{args.product.n};
  for (const int i : {kBScale, kBZero}) {
    if (!context.has(i)) continue;
    const bool one = context.in(i).shape.rank() <= 1 && context.in(i).elements() == 1;
    if (!one && context.in(i).shape != columns) {
      return make_error(Code::invalid_model, "input ", i, " of shape ", to_string(context.in(i).shape),
                        " is neither a scalar nor one per column of ", to_string(context.in(kB).shape));
    }
    (i == kBScale ? args.b_scales : args.b_zeros) = !one;
  }
  args.has_c = context.has(kC);
  if (args.has_c) {
    ADZE_TRY(args.addend, addend_of(context.in(kC).shape, args.product));
  }
  args.quantized = context.has(kYScale);
  if (args.quantized != context.has(kYZero)) {
    return make_error(Code::invalid_model, "of y_scale and y_zero_point only one is given");
  }
  if (args.quantized) {
    ADZE_TRY(args.y, byte_codes(context, context.in(kYZero).type, kYScale, kYZero));
  }
  return args;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Args args, args_of(context));
  context.set_shape(0, {args.product.m, args.product.n});
  return {};
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Args args, args_of(context));
  Step step = make_step<run>(args, "quantized_gemm");
  step.flops = args.product.flops();
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(args.product.m, 1, 256));
  return step;
}

// The rows of A'.
Result<Lanes> lanes_of(const InferContext& context) {
  Lanes lanes;
  lanes.broadcasts = true;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  lanes.inputs[kA] = single_lane(2, context.node.attributes.integer("transA", 0) ? 1 : 0);
  if (context.has(kC) && context.shape(kC).rank() == 2) lanes.inputs[kC] = single_lane(2, 0);
  lanes.outputs = {single_lane(2, 0)};
  return lanes;
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAttributes[] = {
    {"alpha", AttrKind::real}, {"transA", AttrKind::integer}, {"transB", AttrKind::integer}};
constexpr TypeMask kScale = types(DType::f32);
constexpr TypeMask kTypes[] = {kCodeBytes,        kScale, kCodeBytes, kCodeBytes, kScale, kCodeBytes,
                               types(DType::i32), kScale, kCodeBytes};

constexpr OpDef kOps[] = {
    {.name = "QGemm",
     .domain = "com.microsoft",
     .versions = kVersions,
     .attributes = kAttributes,
     .inputs = {6, 9},
     .input_types = kTypes,
     .own_type = 1u << kB | 1u << kBZero | 1u << kYZero,
     .output_type = [](const Node&, std::span<const DType> in,
                       int) { return in.size() > kYZero && in[kYZero] != DType::undefined ? in[kYZero] : DType::f32; },
     .infer = infer,
     .prepare = prepare,
     .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_quantized_gemm;
constinit const std::span<const OpDef> ops_quantized_gemm{kOps};

}  // namespace adze
