// ReverseSequence: the first sequence_lens[n] steps of each batch row in reverse order, the others as they are.
#include <cstring>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  bool time_first;
  std::int64_t time, batch, inner;
  std::size_t element_size;
};

Result<void> infer(InferContext& context) {
  const Shape& data = context.shape(0);
  const std::int64_t time = context.node.attributes.integer("time_axis", 0);
  const std::int64_t batch = context.node.attributes.integer("batch_axis", 1);
  if (data.rank() < 2 || time == batch || context.shape(1) != Shape{data[static_cast<int>(batch)]}) {
    return make_error(Code::invalid_model, "lengths or axes don't fit ", to_string(data));
  }
  return infer_same_shape(context);
}

Result<Lanes> lanes_of(const InferContext& context) {
  const LaneNames data =
      single_lane(context.shape(0).rank(), static_cast<int>(context.node.attributes.integer("batch_axis", 1)));
  Lanes lanes;
  lanes.inputs = {data, single_lane(1, 0)};
  lanes.outputs = {data};
  return lanes;
}

void run(const Args& args, const Call& call) {
  const std::size_t bytes = static_cast<std::size_t>(args.inner) * args.element_size;
  const Range rows = call.slice.of(args.batch);
  for (std::int64_t n = rows.begin; n < rows.end; n++) {
    const std::int64_t length = call.in<std::int64_t>(1)[n];
    if (length < 0 || length > args.time) return call.failure.set("a sequence length is out of range");
    for (std::int64_t t = 0; t < args.time; t++) {
      const std::int64_t from = t < length ? length - 1 - t : t;
      const auto at = [&](std::int64_t step) {
        return static_cast<std::size_t>(args.time_first ? step * args.batch + n : n * args.time + step) * bytes;
      };
      std::memcpy(call.out<std::byte>() + at(t), call.in<std::byte>() + at(from), bytes);
    }
  }
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  const bool time_first = context.node.attributes.integer("time_axis", 0) == 0;
  Step step = make_step<run>(Args{time_first, data[time_first ? 0 : 1], data[time_first ? 1 : 0],
                                  data.elements(2, data.rank()), size_of(context.in(0).type)},
                             "reverse_sequence");
  step.max_parts = elementwise_parts(data.elements());
  return step;
}

constexpr int kVersions[] = {10, 28};
constexpr AttrSpec kAttributes[] = {{"batch_axis", AttrKind::integer, false, 0, 1},
                                    {"time_axis", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kTypes[] = {kAnyType, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "ReverseSequence",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_reverse_sequence;
constinit const std::span<const OpDef> ops_reverse_sequence{kOps};

}  // namespace adze
