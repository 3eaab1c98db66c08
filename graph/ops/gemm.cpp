// Gemm: Y = alpha A' B' + beta C. In f32 with constants on the right the product runs on packed panels, alpha and the
// bias folded in; every other case takes one plain path.
#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/product.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 6, 7, 9, 11, 13};
constexpr AttrSpec kAttributes[] = {
    {"alpha", AttrKind::real},
    {"beta", AttrKind::real},
    {"transA", AttrKind::integer},
    {"transB", AttrKind::integer},
    {"broadcast", AttrKind::integer}};  // before version 7; broadcasting is always allowed
constexpr TypeMask kTypes[] = {kFloats | types(DType::i32, DType::i64, DType::u32, DType::u64)};

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Product p, product_of(context.node, context.shape(0), context.shape(1)));
  if (context.has(2)) ADZE_CHECK(addend_of(context.shape(2), p));
  context.set_shape(0, {p.m, p.n});
  return {};
}

// The rows of A' and the columns of B'.
Result<Lanes> lanes_of(const InferContext& context) {
  const bool trans_a = context.node.attributes.integer("transA", 0),
             trans_b = context.node.attributes.integer("transB", 0);
  Lanes lanes;
  lanes.broadcasts = true;
  lanes.inputs = {single_lane(2, trans_a ? 1 : 0), {trans_b ? 1 : kMixed, trans_b ? kMixed : 1}};
  if (context.has(2))
    lanes.inputs.push_back(context.shape(2).rank() == 2
                               ? LaneNames{0, 1}
                               : LaneNames(static_cast<std::size_t>(context.shape(2).rank()), 1));
  lanes.outputs = {{0, 1}};
  return lanes;
}

// C as one row that is the same for every row of Y.
bool is_row(const Shape& c, std::int64_t n) { return c.elements() == 1 || (c.elements() == n && c.back() == n); }

bool can_pack(const Node& node, std::span<const TensorInfo* const> inputs) {
  const bool has_c = inputs.size() > 2 && inputs[2];
  const std::int64_t n = inputs[1]->shape[node.attributes.integer("transB", 0) ? 0 : 1];
  return inputs[0]->type == DType::f32 && inputs[1]->value && !node.attributes.integer("transA", 0) &&
         (!has_c || (inputs[2]->value && is_row(inputs[2]->shape, n)));
}

struct Args {
  Product product;
  DType type;
  Addend addend;
  bool has_c;
};

void run(const Args& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) {
      const Range rows = call.slice.of(args.product.m);
      for (std::int64_t i = rows.begin; i < rows.end && !call.cancel.requested(); i++) {
        plain_product<T>(args.product, call.in<T>(0), call.in<T>(1), args.has_c ? call.in<T>(2) : nullptr, args.addend,
                         call.out<T>(), {i, i + 1});
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Product p, product_of(context.node, context.in(0).shape, context.in(1).shape));
  const bool has_c = context.has(2);
  if (can_pack(context.node, context.inputs())) return packed_product(context, p, has_c ? 2 : -1);
  Args args{p, context.in(0).type, {}, has_c};
  if (has_c) {
    ADZE_TRY(args.addend, addend_of(context.in(2).shape, p));
  }
  Step step = make_step<run>(args, "gemm_plain");
  step.flops = p.flops();
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(p.m, 1, 256));
  return step;
}

constexpr OpDef kOps[] = {{.name = "Gemm",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 3},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .takes_epilogue = can_pack}};

}  // namespace
extern const std::span<const OpDef> ops_gemm;
constinit const std::span<const OpDef> ops_gemm{kOps};

}  // namespace adze
