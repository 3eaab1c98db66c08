// Trilu: the upper or lower triangle of the last two axes, the rest 0; k, an input, moves the diagonal to the right.
#include <cstring>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  std::int64_t planes, rows, columns, k;
  bool upper;
  std::size_t element_size;
};

Result<std::int64_t> diagonal_of(const InferContext& context) {
  if (!context.has(1)) return std::int64_t{0};
  ADZE_TRY(const auto k, context.ints(1));
  if (k.size() != 1) return make_error(Code::invalid_model, "k must be a single number");
  // Beyond the matrix every diagonal is the same.
  const std::int64_t most = std::int64_t{1} << 40;
  return std::clamp(k[0], -most, most);
}

Result<void> infer(InferContext& context) {
  if (context.shape(0).rank() < 2) return make_error(Code::invalid_model, "the data is no matrix");
  ADZE_CHECK(diagonal_of(context));
  return infer_same_shape(context);
}

Result<Lanes> lanes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  return lanes_except(context, axes_from(rank - 2, rank));
}

void run(const Args& args, const Call& call) {
  const Range lines = call.slice.of(args.planes * args.rows);
  const std::size_t size = args.element_size, width = static_cast<std::size_t>(args.columns) * size;
  for (std::int64_t line = lines.begin; line < lines.end; line++) {
    const std::int64_t cut =
        std::clamp<std::int64_t>(line % args.rows + args.k + (args.upper ? 0 : 1), 0, args.columns);
    const std::byte* src = call.in<std::byte>() + static_cast<std::size_t>(line) * width;
    std::byte* dst = call.out<std::byte>() + static_cast<std::size_t>(line) * width;
    const std::size_t left = static_cast<std::size_t>(cut) * size;
    if (args.upper) {
      std::memset(dst, 0, left);
      std::memcpy(dst + left, src + left, width - left);
    } else {
      std::memcpy(dst, src, left);
      std::memset(dst + left, 0, width - left);
    }
  }
}

Result<Step> prepare(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const std::int64_t k, diagonal_of(again));
  const Shape& shape = context.in(0).shape;
  const int rank = shape.rank();
  Step step = make_step<run>(Args{shape.elements(0, rank - 2), shape[rank - 2], shape[rank - 1], k,
                                  context.node.attributes.integer("upper", 1) != 0, size_of(context.in(0).type)},
                             "trilu");
  step.max_parts = elementwise_parts(shape.elements());
  step.unread = 0b10;
  return step;
}

constexpr int kVersions[] = {14};
constexpr AttrSpec kAttributes[] = {{"upper", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kTypes[] = {kAnyType, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "Trilu",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_trilu;
constinit const std::span<const OpDef> ops_trilu{kOps};

}  // namespace adze
