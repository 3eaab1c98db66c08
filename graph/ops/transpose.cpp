// Transpose: axis i of the result is axis perm[i] of the data.
#include <algorithm>
#include <numeric>

#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 13, 21, 23, 24, 25};
constexpr AttrSpec kAttributes[] = {{"perm", AttrKind::integers, false, 0, kMaxRank - 1}};
constexpr TypeMask kTypes[] = {kStored};

Result<std::vector<std::int64_t>> perm_of(const Node& node, int rank) {
  std::vector<std::int64_t> perm = node.attributes.integers("perm");
  if (!node.attributes.has("perm")) {
    perm.resize(static_cast<std::size_t>(rank));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  std::vector<std::int64_t> sorted = perm;
  std::ranges::sort(sorted);
  for (int axis = 0; axis < rank; axis++) {
    if (sorted.size() != static_cast<std::size_t>(rank) || sorted[static_cast<std::size_t>(axis)] != axis) {
      return make_error(Code::invalid_model, "\"perm\" is no permutation of ", rank, " axes");
    }
  }
  return perm;
}

Result<void> infer(InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const auto perm, perm_of(context.node, data.rank()));
  Shape shape;
  for (const std::int64_t axis : perm) shape.push_back(data[static_cast<int>(axis)]);
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const auto perm, perm_of(context.node, rank));
  Lanes lanes;
  lanes.inputs = {lanes_from_left(rank)};
  lanes.outputs = {LaneNames(perm.begin(), perm.end())};
  return lanes;
}

// Whether the axes longer than 1 keep their order: then the bytes stay where they are.
bool keeps_bytes(const Shape& data, const std::vector<std::int64_t>& perm) {
  std::int64_t before = -1;
  for (const std::int64_t axis : perm) {
    if (data[static_cast<int>(axis)] == 1) continue;
    if (axis < before) return false;
    before = axis;
  }
  return true;
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const auto perm, perm_of(context.node, data.rank()));
  if (keeps_bytes(data, perm)) return view_step();
  const auto src = data.strides(), dst = context.out().shape.strides();
  CopyArgs args;
  args.element_size = size_of(context.in(0).type);
  for (std::size_t i = 0; i < perm.size(); i++) {
    args.shape.add_axis(context.out().shape[static_cast<int>(i)], src[static_cast<std::size_t>(perm[i])], dst[i]);
  }
  return copy_step(args, "transpose");
}

constexpr OpDef kOps[] = {{.name = "Transpose",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_transpose;
constinit const std::span<const OpDef> ops_transpose{kOps};

}  // namespace adze
