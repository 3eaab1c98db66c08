// GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one value per image and channel. Channels-last, so the reduction runs
// down columns of pixels.
#include <cmath>
#include <limits>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/window.h"
#include "kernels/reduce/reduce.h"

namespace adze {
namespace {

Result<void> infer(InferContext& context) {
  ADZE_TRY(Image image, Image::of(context.shape(0), context.node.channels_last));
  for (std::int64_t& size : image.spatial) size = 1;
  context.set_shape(0, image.shape(context.node.channels_last));
  return {};
}

struct Args {
  ReduceColumnsFn kernel;
  bool max, lp;
  double p;
  DType type;
  std::int64_t n, pixels, c;
  float count;  // what an average divides by
};

template <class T>
void run_plain(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.n * args.c);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    const T* src = call.in<T>() + i / args.c * args.pixels * args.c + i % args.c;
    double acc = args.max ? -std::numeric_limits<double>::infinity() : 0;
    for (std::int64_t p = 0; p < args.pixels; p++) {
      const auto x = static_cast<double>(src[p * args.c]);
      acc = args.max ? (x > acc || x != x ? x : acc) : acc + (args.lp ? std::pow(std::fabs(x), args.p) : x);
    }
    if (args.lp) acc = std::pow(acc, 1 / args.p);
    if (!args.max && !args.lp) acc /= static_cast<double>(args.pixels);
    call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(acc));
  }
}

void run(const Args& args, const Call& call) {
  if (args.type == DType::f64) return run_plain<double>(args, call);
  if (args.type == DType::f16) return run_plain<Float16>(args, call);
  if (args.type == DType::bf16) return run_plain<BFloat16>(args, call);
  if (args.lp) return run_plain<float>(args, call);
  const Range mine = reduce_columns(args.kernel, args.max ? ReduceOp::max : ReduceOp::sum, call.in(), call.out(),
                                    {args.n, args.pixels, args.c}, call.slice);
  for (std::int64_t i = mine.begin; !args.max && i < mine.end; i++) call.out()[i] /= args.count;
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_ASSERT(context.node.channels_last);
  ADZE_TRY(const Image image, Image::of(context.in(0).shape, true));
  const auto& kernel = reduce_columns_f32.best(context.isa);
  const std::string_view name = context.node.op->name;
  const std::int64_t pixels = context.in(0).shape.elements(1, context.in(0).shape.rank() - 1);
  const Args args{kernel.fn,
                  name == "GlobalMaxPool",
                  name == "GlobalLpPool",
                  static_cast<double>(context.node.attributes.integer("p", 2)),
                  context.in(0).type,
                  image.n,
                  pixels,
                  image.c,
                  static_cast<float>(context.node.attributes.integer(kPooledPixels, pixels))};
  Step step = make_step<run>(args, concat("reduce_f32/", isa_name(kernel.isa)));
  const std::int64_t shares = std::max(image.n, image.n * image.c / 16);
  step.max_parts =
      static_cast<int>(std::clamp<std::int64_t>(std::min(shares, context.in(0).elements() / 4096), 1, 256));
  return step;
}

constexpr int kVersions[] = {1, 22}, kLp[] = {1, 2, 22};
constexpr TypeMask kTypes[] = {kFloats};
constexpr AttrSpec kAttributes[] = {{"p", AttrKind::integer, false, 1, 64}};
constexpr OpDef op(std::string_view name, std::span<const int> versions) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_by_row<0>,
          .layout = LayoutRule::channels_last,
          .note = kImageNote};
}
constexpr OpDef kOps[] = {op("GlobalAveragePool", kVersions), op("GlobalMaxPool", kVersions), op("GlobalLpPool", kLp)};

}  // namespace
extern const std::span<const OpDef> ops_global_pool;
constinit const std::span<const OpDef> ops_global_pool{kOps};

}  // namespace adze
