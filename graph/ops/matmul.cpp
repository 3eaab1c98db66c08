// MatMul: matrices in the last two axes, NumPy's broadcasting over the others; vectors count as a row on the left and
// a column on the right.
#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/matrix_pairs.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 9, 13};
constexpr TypeMask kTypes[] = {kFloats | types(DType::i32, DType::i64, DType::u32, DType::u64)};

Result<void> infer(InferContext& context) {
  const Shape &a = context.shape(0), &b = context.shape(1);
  ADZE_TRY(const MatrixPairs p, matrix_pairs(a, b));
  context.set_shape(0, p.result);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) { return lanes_of_pairs(context, 0, 1); }

// One constant matrix on the right: every row on the left meets the same weights.
bool can_pack(const Node&, std::span<const TensorInfo* const> inputs) {
  return inputs[0]->type == DType::f32 && inputs[1]->value && inputs[1]->shape.rank() == 2 &&
         inputs[0]->shape.rank() >= 1;
}

struct Args {
  MatrixPairs problem;
  DType type;
  const TileSet* tiles;  // f32 only
};

// Every thread packs the right operand for its own use, anew only where it changes.
void run_f32(const Args& args, const Call& call) {
  const Product& p = args.problem.one;
  auto* packed = reinterpret_cast<float*>(call.scratch);
  std::int64_t packed_for = -1;
  for (std::int64_t i = 0, count = args.problem.batch.elements(); i < count && !call.cancel.requested(); i++) {
    const auto [a, b] = args.problem.at(i);
    if (b != packed_for) {
      const float* right = call.in(1) + b * p.k * p.n;
      pack_b(p.k, p.n, args.tiles->max_blocks, packed,
             [&](std::int64_t k, std::int64_t n) { return right[k * p.n + n]; });
      packed_for = b;
    }
    const MatrixRows rows{call.in() + a * p.m * p.k, p.k};
    GemmArgs gemm{};
    gemm.m = p.m;
    gemm.n = p.n;
    gemm.taps = 1;
    gemm.kc = p.k;
    gemm.rows = matrix_rows;
    gemm.context = &rows;
    gemm.b = packed;
    gemm.c = call.out() + i * p.m * p.n;
    gemm.ldc = p.n;
    gemm.tiles = args.tiles;
    gemm_f32(gemm, call.slice, call.cancel);
  }
}

void run_plain(const Args& args, const Call& call) {
  const Product& p = args.problem.one;
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) {
      const Range mine = call.slice.of(args.problem.batch.elements());
      for (std::int64_t i = mine.begin; i < mine.end && !call.cancel.requested(); i++) {
        const auto [a, b] = args.problem.at(i);
        plain_product<T>(p, call.in<T>(0) + a * p.m * p.k, call.in<T>(1) + b * p.k * p.n, nullptr, {},
                         call.out<T>() + i * p.m * p.n, {0, p.m});
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const MatrixPairs p, matrix_pairs(context.in(0).shape, context.in(1).shape));
  const double pairs = static_cast<double>(p.batch.elements());
  if (can_pack(context.node, context.inputs())) {
    Product whole = p.one;
    whole.m = p.one.m * p.batch.elements();
    return packed_product(context, whole, -1);
  }
  Args args{p, context.in(0).type, nullptr};
  Step step;
  if (args.type == DType::f32) {
    const auto& tiles = gemm_tile_f32.best(context.isa);
    args.tiles = tiles.fn;
    step = make_step<run_f32>(args, concat("matmul_f32/", isa_name(tiles.isa)));
    step.scratch_bytes = static_cast<std::size_t>(packed_b_size(p.one.k, p.one.n)) * sizeof(float);
    step.max_parts = static_cast<int>(std::clamp<std::int64_t>(p.one.m * p.one.n / 64, 1, 256));
  } else {
    step = make_step<run_plain>(args, "matmul_plain");
    step.max_parts = static_cast<int>(std::clamp<std::int64_t>(p.batch.elements(), 1, 256));
  }
  step.flops = p.one.flops() * pairs;
  return step;
}

constexpr OpDef kOps[] = {{.name = "MatMul",
                           .versions = kVersions,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .takes_epilogue = can_pack}};

}  // namespace
extern const std::span<const OpDef> ops_matmul;
constinit const std::span<const OpDef> ops_matmul{kOps};

}  // namespace adze
