// LRN: local response normalisation across channels, channels-last.
#include <algorithm>
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "kernels/norm/norm.h"

namespace adze {
namespace {

struct LrnStep {
  LrnRowsFn kernel;
  DType type;
  std::int64_t rows, c, before, after;
  double alpha, beta, bias;  // alpha already divided by the window's size
};

void run(const LrnStep& args, const Call& call) {
  const Range rows = call.slice.of(args.rows);
  if (args.type == DType::f32) {
    const LrnArgs lrn{args.before,
                      args.after,
                      static_cast<float>(args.alpha),
                      static_cast<float>(args.beta),
                      static_cast<float>(args.bias),
                      reinterpret_cast<float*>(call.scratch)};
    args.kernel(lrn, call.in() + rows.begin * args.c, call.out() + rows.begin * args.c, rows.size(), args.c);
    return;
  }
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t r = rows.begin; r < rows.end; r++) {
      const T* src = call.in<T>() + r * args.c;
      for (std::int64_t c = 0; c < args.c; c++) {
        double squares = 0;
        for (std::int64_t i = std::max<std::int64_t>(0, c - args.before); i <= std::min(args.c - 1, c + args.after);
             i++) {
          const auto x = static_cast<double>(static_cast<Compute<T>>(src[i]));
          squares += x * x;
        }
        const double x = static_cast<double>(static_cast<Compute<T>>(src[c]));
        call.out<T>()[r * args.c + c] =
            static_cast<T>(static_cast<Compute<T>>(x / std::pow(args.bias + args.alpha * squares, args.beta)));
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_ASSERT(context.node.channels_last);
  const Node& node = context.node;
  const std::int64_t size = node.attributes.integer("size", 1), c = context.in(0).shape.back();
  const std::int64_t farthest = std::max<std::int64_t>(c - 1, 0);
  const auto& kernel = lrn_rows_f32.best(context.isa);
  const LrnStep args{kernel.fn,
                     context.in(0).type,
                     context.in(0).elements() / std::max<std::int64_t>(c, 1),
                     c,
                     std::min((size - 1) / 2, farthest),
                     std::min(size / 2, farthest),
                     static_cast<double>(node.attributes.real("alpha", 1e-4f)) / static_cast<double>(size),
                     static_cast<double>(node.attributes.real("beta", 0.75f)),
                     static_cast<double>(node.attributes.real("bias", 1))};
  Step step = make_step<run>(args, concat("lrn_rows_f32/", isa_name(kernel.isa)));
  step.scratch_bytes = static_cast<std::size_t>(c + args.before + args.after) * sizeof(float);
  step.max_parts = elementwise_parts(context.in(0).elements());
  return step;
}

Result<void> infer(InferContext& context) {
  if (context.shape(0).rank() < 3)
    return make_error(Code::unsupported, "rank ", context.shape(0).rank(), " is below 3");
  return infer_same_shape(context);
}

constexpr int kVersions[] = {1, 13};
constexpr AttrSpec kAttributes[] = {{"alpha", AttrKind::real},
                                    {"beta", AttrKind::real},
                                    {"bias", AttrKind::real},
                                    {"size", AttrKind::integer, true, 1, 1 << 20}};
constexpr TypeMask kTypes[] = {kFloats};
constexpr OpDef kOps[] = {{.name = "LRN",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0>,
                           .layout = LayoutRule::channels_last}};

}  // namespace
extern const std::span<const OpDef> ops_lrn;
constinit const std::span<const OpDef> ops_lrn{kOps};

}  // namespace adze
