// DepthToSpace and SpaceToDepth: a reshape to six axes, a transpose, a reshape back, done as one strided copy.
#include "graph/batch/lanes.h"
#include "graph/copy_step.h"

namespace adze {
namespace {

constexpr int kToSpace[] = {1, 11, 13, 28}, kToDepth[] = {1, 13, 28};
constexpr AttrSpec kAttributes[] = {{"blocksize", AttrKind::integer, true, 1, 1 << 16}, {"mode", AttrKind::string}};
constexpr TypeMask kTypes[] = {kAnyType};

Result<void> check(const Node& node) {
  const std::string mode = node.attributes.string("mode", "DCR");
  if (mode == "DCR" || mode == "CRD") return {};
  return make_error(Code::invalid_model, "attribute \"mode\" is \"", mode, '"');
}

bool to_space(const Node& node) { return node.op->name == "DepthToSpace"; }

Result<void> infer(InferContext& context) {
  const Shape& data = context.shape(0);
  const std::int64_t block = context.node.attributes.integer("blocksize", 1);
  if (data.rank() != 4) return make_error(Code::invalid_model, "rank ", data.rank(), " is not 4");
  const bool deeper = !to_space(context.node);
  if (deeper ? data[2] % block || data[3] % block : data[1] % (block * block) != 0) {
    return make_error(Code::invalid_model, "shape ", to_string(data), " doesn't divide into blocks of ", block);
  }
  context.set_shape(0, deeper ? Shape{data[0], data[1] * block * block, data[2] / block, data[3] / block}
                              : Shape{data[0], data[1] / (block * block), data[2] * block, data[3] * block});
  return {};
}

// The axes n, c, y, by, x, bx of the image with small pixels; strides on the side with deep channels depend on whether
// the block position is the outer part of the channel (DCR) or the inner one.
Result<Step> prepare(PrepareContext& context) {
  const bool space = to_space(context.node);
  const Shape& flat = space ? context.out().shape : context.in(0).shape;
  const Shape& deep = space ? context.in(0).shape : context.out().shape;
  const std::int64_t b = context.node.attributes.integer("blocksize", 1), c = flat[1];
  const bool block_outer = context.node.attributes.string("mode", "DCR") == "DCR";
  const std::int64_t plane = deep[2] * deep[3], image = deep[1] * plane;
  const std::int64_t by_stride = (block_outer ? b * c : b) * plane, bx_stride = (block_outer ? c : 1) * plane;
  const std::int64_t c_stride = (block_outer ? 1 : b * b) * plane;
  const std::int64_t dims[] = {flat[0], c, deep[2], b, deep[3], b};
  const std::int64_t deep_strides[] = {image, c_stride, deep[3], by_stride, 1, bx_stride};
  const std::int64_t flat_strides[] = {c * flat[2] * flat[3], flat[2] * flat[3], b * flat[3], flat[3], b, 1};
  CopyArgs args;
  args.element_size = size_of(context.in(0).type);
  for (int i = 0; i < 6; i++) {
    args.shape.add_axis(dims[i], space ? deep_strides[i] : flat_strides[i], space ? flat_strides[i] : deep_strides[i]);
  }
  return copy_step(args, space ? "depth_to_space" : "space_to_depth");
}

constexpr OpDef op(std::string_view name, std::span<const int> versions) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .input_types = kTypes,
          .check = check,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_by_row<0>};
}
constexpr OpDef kOps[] = {op("DepthToSpace", kToSpace), op("SpaceToDepth", kToDepth)};

}  // namespace
extern const std::span<const OpDef> ops_depth_to_space;
constinit const std::span<const OpDef> ops_depth_to_space{kOps};

}  // namespace adze
