// Split along one axis. The sizes were an attribute, are an input since version 13, or follow from the number of
// outputs: equal parts, the last one smaller from version 18 on.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 2, 11, 13, 18};
constexpr AttrSpec kAttributes[] = {
    {"axis", AttrKind::integer}, {"split", AttrKind::integers, false, 0}, {"num_outputs", AttrKind::integer, false, 1}};
constexpr TypeMask kTypes[] = {kAnyType, types(DType::i64)};

Result<std::vector<std::int64_t>> even(std::int64_t size, std::int64_t parts, bool last_smaller) {
  if (!last_smaller && size % parts != 0) {
    return make_error(Code::invalid_model, size, " elements can't be split into ", parts, " equal parts");
  }
  const std::int64_t chunk = (size + parts - 1) / parts;
  std::vector<std::int64_t> sizes;
  for (std::int64_t left = size; sizes.size() < static_cast<std::size_t>(parts); left -= sizes.back()) {
    sizes.push_back(std::min(chunk, left));
  }
  return sizes;
}

Result<void> infer(InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  const auto outputs = static_cast<std::int64_t>(context.output_count());
  std::vector<std::int64_t> sizes = context.node.attributes.integers("split");
  if (context.has(1)) {
    ADZE_TRY(sizes, context.ints(1));
  } else if (!context.node.attributes.has("split")) {
    const std::int64_t parts = context.node.attributes.integer("num_outputs", outputs);
    if (parts != outputs) return make_error(Code::invalid_model, "\"num_outputs\" is ", parts, ", not ", outputs);
    ADZE_TRY(sizes, even(data[axis], outputs, context.node.version >= 18));
  }
  std::int64_t total = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0 || __builtin_add_overflow(total, size, &total))
      return make_error(Code::invalid_model, "a part has size ", size);
  }
  if (static_cast<std::int64_t>(sizes.size()) != outputs || total != data[axis]) {
    return make_error(Code::invalid_model, sizes.size(), " parts of ", total, " elements in all don't fit ", outputs,
                      " outputs of ", data[axis], " elements");
  }
  for (int i = 0; i < context.output_count(); i++) {
    if (context.node.outputs[static_cast<std::size_t>(i)] == kNoValue) {
      return make_error(Code::unsupported, "leaving out an output is not supported");
    }
    Shape shape = data;
    shape[axis] = sizes[static_cast<std::size_t>(i)];
    context.set_shape(i, shape);
  }
  return {};
}

struct Args {
  std::vector<CopyArgs> copies;  // by output
};

void run(const Args& args, const Call& call) {
  for (std::size_t i = 0; i < args.copies.size(); i++) {
    run_copy(args.copies[i], call.in<std::byte>(), call.out<std::byte>(static_cast<int>(i)), call.slice);
  }
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  const std::int64_t inner = data.elements(axis + 1, data.rank()), outer = data.elements(0, axis);
  Args args;
  std::int64_t offset = 0;
  int parts = 1;
  for (int i = 0; i < context.output_count(); i++) {
    const std::int64_t run_length = context.out(i).shape[axis] * inner;
    CopyArgs copy;
    copy.element_size = size_of(context.in(0).type);
    copy.src_offset = offset;
    copy.shape.rank = 3;
    copy.shape.dims = {outer, 1, run_length};
    copy.shape.src = {data[axis] * inner, 0, 1};
    copy.shape.dst = {run_length, 0, 1};
    offset += run_length;
    parts = std::max(parts, copy_parts(copy.shape));
    args.copies.push_back(copy);
  }
  Step step = make_step<run>(std::move(args), "split");
  step.max_parts = parts;
  step.unread = 0b10;
  return step;
}

DType output_type(const Node&, std::span<const DType> inputs, int) { return inputs[0]; }

constexpr OpDef kOps[] = {{.name = "Split",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, 2},
                           .outputs = {1, kVariadic},
                           .input_types = kTypes,
                           .output_type = output_type,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_but_axis<0>,
                           .layout = LayoutRule::transparent,
                           .permute = permute_axis<0>,
                           .note = "no output may be left out"}};

}  // namespace
extern const std::span<const OpDef> ops_split;
constinit const std::span<const OpDef> ops_split{kOps};

}  // namespace adze
