// MatMul: matrices in the last two axes, NumPy's broadcasting over the others; vectors count as a row on the left and
// a column on the right. FusedMatMul of com.microsoft: either side's matrices stored transposed, the result times
// alpha.
#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/matrix_pairs.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 9, 13};
constexpr TypeMask kTypes[] = {kFloats | types(DType::i32, DType::i64, DType::u32, DType::u64)};

bool flag(const Node& node, std::string_view attribute) { return node.attributes.integer(attribute, 0) != 0; }

Result<MatrixPairs> pairs_of(const Node& node, const Shape& a, const Shape& b) {
  ADZE_TRY(MatrixPairs p, matrix_pairs(a, b, flag(node, "transA"), flag(node, "transB")));
  p.one.alpha = node.attributes.real("alpha", 1);
  return p;
}

Result<void> check(const Node& node) {
  if (!flag(node, "transBatchA") && !flag(node, "transBatchB")) return {};
  return make_error(Code::unsupported, "batch axes between those of the matrices are not supported");
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const MatrixPairs p, pairs_of(context.node, context.shape(0), context.shape(1)));
  context.set_shape(0, p.result);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  Lanes lanes = lanes_of_pairs(context, 0, 1);
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    LaneNames& names = lanes.inputs[side];
    if (names.size() > 1 && flag(context.node, side ? "transB" : "transA")) {
      std::swap(names[names.size() - 1], names[names.size() - 2]);
    }
  }
  return lanes;
}

// One constant matrix on the right: every row on the left meets the same weights.
bool can_pack(const Node& node, std::span<const TensorInfo* const> inputs) {
  const int rank = inputs[0]->shape.rank();
  return inputs[0]->type == DType::f32 && inputs[1]->value && inputs[1]->shape.rank() == 2 &&
         (rank == 1 || (rank > 1 && !flag(node, "transA")));
}

struct Args {
  MatrixPairs problem;
  DType type;
  const TileSet* tiles;  // f32 only
  GemmOrder order;
};

// Every thread packs the right operand for its own use, and turns a left one that is stored transposed; each anew only
// where it changes.
void run_f32(const Args& args, const Call& call) {
  const Product& p = args.problem.one;
  auto* packed = reinterpret_cast<float*>(call.scratch);
  float* turned = packed + packed_b_size(p.k, p.n);
  std::int64_t packed_for = -1, turned_for = -1;
  for (std::int64_t i = 0, count = args.problem.batch.elements(); i < count && !call.cancel.requested(); i++) {
    const auto [a, b] = args.problem.at(i);
    if (b != packed_for) {
      const float* right = call.in(1) + b * p.k * p.n;
      pack_b(p.k, p.n, args.tiles->max_blocks, packed,
             [&](std::int64_t k, std::int64_t n) { return p.alpha * right[p.trans_b ? n * p.k + k : k * p.n + n]; });
      packed_for = b;
    }
    const float* left = call.in() + a * p.m * p.k;
    if (p.trans_a && a != turned_for) {
      for (std::int64_t m = 0; m < p.m; m++) {
        for (std::int64_t k = 0; k < p.k; k++) turned[m * p.k + k] = left[k * p.m + m];
      }
      turned_for = a;
    }
    const MatrixRows rows{p.trans_a ? turned : left, p.k};
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
    gemm.order = args.order;
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
  ADZE_TRY(const MatrixPairs p, pairs_of(context.node, context.in(0).shape, context.in(1).shape));
  const double pairs = static_cast<double>(p.batch.elements());
  if (can_pack(context.node, context.inputs())) {
    Product whole = p.one;
    whole.m = p.one.m * p.batch.elements();
    return packed_product(context, whole, context.has(2) ? 2 : -1);  // a row that a pass put there
  }
  Args args{p, context.in(0).type, nullptr, context.order};
  Step step;
  if (args.type == DType::f32) {
    const auto& tiles = gemm_tile_f32.best(context.isa);
    args.tiles = tiles.fn;
    step = make_step<run_f32>(args, concat("matmul_f32/", isa_name(tiles.isa)));
    const std::int64_t turned = p.one.trans_a ? p.one.m * p.one.k : 0;
    step.honours = {true, true};
    step.scratch_bytes = static_cast<std::size_t>(packed_b_size(p.one.k, p.one.n) + turned) * sizeof(float);
    step.max_parts = static_cast<int>(std::clamp<std::int64_t>(p.one.m * p.one.n / 64, 1, 256));
  } else {
    step = make_step<run_plain>(args, "matmul_plain");
    step.max_parts = static_cast<int>(std::clamp<std::int64_t>(p.batch.elements(), 1, 256));
  }
  step.flops = p.one.flops() * pairs;
  return step;
}

constexpr int kFusedVersions[] = {1};
constexpr AttrSpec kFusedAttributes[] = {{"alpha", AttrKind::real},
                                         {"transA", AttrKind::integer},
                                         {"transB", AttrKind::integer},
                                         {"transBatchA", AttrKind::integer},
                                         {"transBatchB", AttrKind::integer}};
constexpr TypeMask kFusedTypes[] = {kFloats};
constexpr OpDef kOps[] = {{.name = "MatMul",
                           .versions = kVersions,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .takes_epilogue = can_pack},
                          {.name = "FusedMatMul",
                           .domain = "com.microsoft",
                           .versions = kFusedVersions,
                           .attributes = kFusedAttributes,
                           .inputs = {2, 2},
                           .input_types = kFusedTypes,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .takes_epilogue = can_pack,
                           .note = "transBatchA and transBatchB must be 0"}};

}  // namespace
extern const std::span<const OpDef> ops_matmul;
constinit const std::span<const OpDef> ops_matmul{kOps};

}  // namespace adze
