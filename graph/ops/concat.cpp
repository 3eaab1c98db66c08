// Concat along one axis: every input is copied to its stretch of the result, unless it has been written there already.
#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 4, 11, 13};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kAnyType};

Result<void> infer(InferContext& context) {
  Shape result = context.shape(0);
  ADZE_TRY(const int axis, axis_attribute(context.node, 1, result.rank()));
  for (int i = 1; i < context.input_count(); i++) {
    if (!context.has(i)) return make_error(Code::invalid_model, "input ", i, " is left out");
    const Shape& shape = context.shape(i);
    bool fits = shape.rank() == result.rank() && context.in(i).type == context.in(0).type;
    for (int a = 0; a < result.rank() && fits; a++) fits = a == axis || shape[a] == result[a];
    if (!fits) {
      return make_error(Code::invalid_model, "input ", i, " of shape ", to_string(shape), " doesn't fit ",
                        to_string(context.shape(0)), " along axis ", axis);
    }
    if (__builtin_add_overflow(result[axis], shape[axis], &result[axis])) {
      return make_error(Code::resource_limit, "the result is too large");
    }
  }
  context.set_shape(0, result);
  return {};
}

struct Args {
  std::vector<CopyArgs> copies;  // by input
};

void run(const Args& args, const Call& call) {
  for (std::size_t i = 0; i < args.copies.size(); i++) {
    CopyArgs copy = args.copies[i];
    const auto* src = call.in<std::byte>(static_cast<int>(i));
    if (src == call.out<std::byte>() + copy.dst_offset * static_cast<std::int64_t>(copy.element_size)) continue;
    copy.shape.src[0] = call.pitch(static_cast<int>(i), copy.shape.src[0]);
    copy.shape.dst[0] = call.out_pitch(copy.shape.dst[0]);
    run_copy(copy, src, call.out<std::byte>(), call.slice);
  }
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& result = context.out().shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, 1, result.rank()));
  const std::int64_t inner = result.elements(axis + 1, result.rank()), outer = result.elements(0, axis);
  const bool rows = axis == result.rank() - 1;
  Args args;
  Join join;
  std::int64_t offset = 0;
  int parts = 1;
  for (int i = 0; i < context.input_count(); i++) {
    const std::int64_t run_length = context.in(i).shape[axis] * inner;
    CopyArgs copy;
    copy.element_size = size_of(context.out().type);
    copy.dst_offset = offset;
    // A third axis, so that a slice has rows to take.
    copy.shape.rank = 3;
    copy.shape.dims = {outer, 1, run_length};
    copy.shape.src = {run_length, 0, 1};
    copy.shape.dst = {result[axis] * inner, 0, 1};
    join.offsets.push_back(static_cast<std::size_t>(offset) * copy.element_size);
    offset += run_length;
    parts = std::max(parts, copy_parts(copy.shape));
    args.copies.push_back(copy);
  }
  Step step = make_step<run>(std::move(args), "concat");
  step.max_parts = parts;
  if (outer == 1 || rows) {
    join.rows = outer;
    step.join = std::move(join);
  }
  if (rows) {
    step.pitched = ~0u;
    step.pitched_output = true;
  }
  return step;
}

constexpr OpDef kOps[] = {{.name = "Concat",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, kVariadic},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_but_axis<1, 0>,
                           .layout = LayoutRule::transparent,
                           .permute = permute_axis<1>}};

}  // namespace
extern const std::span<const OpDef> ops_concat;
constinit const std::span<const OpDef> ops_concat{kOps};

}  // namespace adze
