// Where: condition ? x : y, all three broadcast. Copies elements of any type by size.
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr int kVersions[] = {9, 16};
constexpr TypeMask kTypes[] = {types(DType::boolean), kAnyType, kAnyType};

struct Args {
  BroadcastLoop loop;
  std::size_t element_size;
};

template <class T>
void run_as(const Args& args, const Call& call) {
  const BroadcastLoop& loop = args.loop;
  const int c_step = loop.step(0), x_step = loop.step(1), y_step = loop.step(2);
  loop.for_stretches(call.slice.of(loop.elements(), 16), [&](std::int64_t first, std::int64_t n, const auto& offsets) {
    const bool* c = call.in<bool>(0) + offsets[0];
    const T *x = call.in<T>(1) + offsets[1], *y = call.in<T>(2) + offsets[2];
    for (std::int64_t i = 0; i < n; i++) call.out<T>()[first + i] = c[i * c_step] ? x[i * x_step] : y[i * y_step];
  });
}

void run(const Args& args, const Call& call) {
  switch (args.element_size) {
    case 1:
      return run_as<std::uint8_t>(args, call);
    case 2:
      return run_as<std::uint16_t>(args, call);
    case 4:
      return run_as<std::uint32_t>(args, call);
    default:
      return run_as<std::uint64_t>(args, call);
  }
}

Result<Step> prepare(PrepareContext& context) {
  if (context.in(1).type != context.in(2).type) return make_error(Code::invalid_model, "operands differ in type");
  Args args{BroadcastLoop(context.out().shape, broadcast_operands(context)), size_of(context.out().type)};
  const int parts = elementwise_parts(args.loop.elements());
  Step step = make_step<run>(std::move(args), "where");
  step.max_parts = parts;
  return step;
}

constexpr OpDef kOps[] = {{.name = "Where",
                           .versions = kVersions,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType> inputs, int) { return inputs[1]; },
                           .infer = infer_broadcast,
                           .prepare = prepare,
                           .lanes = lanes_elementwise,
                           .layout = LayoutRule::transparent}};

}  // namespace
extern const std::span<const OpDef> ops_where;
constinit const std::span<const OpDef> ops_where{kOps};

}  // namespace adze
