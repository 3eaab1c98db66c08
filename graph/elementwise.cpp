#include "graph/elementwise.h"

#include "graph/batch/lanes.h"

namespace adze {
namespace {

// Since opset 7 operators broadcast like NumPy; before, only where the attribute said so, and from an axis on.
Result<std::vector<Shape>> operands_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  std::vector<Shape> shapes;
  for (const TensorInfo* input : inputs) {
    if (input) shapes.push_back(input->shape);
  }
  if (node.version < 7 && node.attributes.has("broadcast") && shapes.size() == 2) {
    std::optional<std::int64_t> axis;
    if (node.attributes.has("axis")) axis = node.attributes.integer("axis", 0);
    const auto stretched = legacy_broadcast(shapes[0], shapes[1], axis);
    if (!stretched) {
      return make_error(Code::invalid_model, "shape ", to_string(shapes[1]), " doesn't fit ", to_string(shapes[0]));
    }
    shapes[1] = *stretched;
  }
  // PRelu's slope belonged to the channels, whatever their place.
  if (node.version < 7 && node.op->name == "PRelu" && shapes[1].elements() > 1) {
    const auto per_channel = legacy_broadcast(shapes[0], shapes[1], 1);
    if (!per_channel)
      return make_error(Code::invalid_model, "slope ", to_string(shapes[1]), " doesn't fit ", to_string(shapes[0]));
    shapes[1] = *per_channel;
  }
  return shapes;
}

// An operand that an attribute places from some axis on: unless it covers all axes, it acts on all lanes alike.
bool placed_by_attribute(const InferContext& context, int input) {
  const bool legacy =
      context.node.version < 7 && (context.node.attributes.has("broadcast") || context.node.op->name == "PRelu");
  return legacy && context.shape(input).rank() != context.outputs()[0].shape.rank();
}

}  // namespace

Result<void> infer_same_shape(InferContext& context) {
  context.set_shape(0, context.shape(0));
  return {};
}

Result<void> infer_broadcast(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const auto shapes, operands_of(context.node, inputs));
  Shape result = shapes[0];
  for (const Shape& shape : shapes) {
    const auto whole = broadcast(result, shape);
    if (!whole)
      return make_error(Code::invalid_model, "shapes ", to_string(result), " and ", to_string(shape),
                        " don't broadcast");
    result = *whole;
  }
  context.set_shape(0, result);
  return {};
}

Result<Lanes> lanes_elementwise(const InferContext& context) {
  Lanes lanes;
  lanes.broadcasts = true;
  for (int i = 0; i < context.input_count(); i++) {
    const bool aligned = context.has(i) && !placed_by_attribute(context, i);
    lanes.inputs.push_back(aligned ? lanes_from_right(context.shape(i).rank()) : LaneNames());
  }
  for (const TensorInfo& output : context.outputs()) lanes.outputs.push_back(lanes_from_right(output.shape.rank()));
  return lanes;
}

std::vector<Shape> broadcast_operands(const PrepareContext& context) {
  auto shapes = operands_of(context.node, context.inputs());
  ADZE_ASSERT(shapes.has_value());
  return *std::move(shapes);
}

}  // namespace adze
