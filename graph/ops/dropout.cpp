// Dropout. In inference it passes its input on, and the mask says that everything was kept. From version 12 an input
// asks for training: elements are kept with probability 1 - ratio, as RandomState(seed) draws them (graph/random.h),
// and scaled so that the sum stays the same on average. Before, training is never meant by a file that reaches adze,
// whatever its "is_test" says. The mask is of bool from version 10, of the data's type before.
#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/random.h"

namespace adze {
namespace {

template <class Context>
bool may_train(const Context& context) {
  return context.has(2) && !(context.in(2).value && !context.in(2).value->template as<bool>()[0]);
}

Result<void> infer(InferContext& context) {
  for (int i = 1; i < context.input_count(); i++) {
    if (context.has(i) && context.shape(i).elements() != 1) {
      return make_error(Code::invalid_model, "input ", i, " is no scalar");
    }
  }
  for (int i = 0; i < context.output_count(); i++) context.set_shape(i, context.shape(0));
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  if (may_train(context)) return make_error(Code::bad_input, "in training every element of the batch draws a number");
  ADZE_TRY(Lanes lanes, lanes_elementwise(context));
  lanes.inputs.resize(1);
  return lanes;
}

struct Args {
  std::shared_ptr<Seeds> seeds;  // null: never in training
  DType type, ratio, mask;       // undefined where left out
  std::int64_t elements;
};

// Every element is kept.
void pass_on(const Args& args, const Call& call) {
  if (call.out() != call.in())
    std::copy_n(call.in<std::byte>(), static_cast<std::size_t>(args.elements) * size_of(args.type),
                call.out<std::byte>());
  if (args.mask == DType::undefined) return;
  dispatch(args.mask, [&](auto tag) {
    using M = typename decltype(tag)::type;
    std::fill_n(call.out<M>(1), args.elements, static_cast<M>(true));
  });
}

template <class T>
void drop(const Args& args, const Call& call, double ratio) {
  using C = Compute<T>;
  RandomState state(args.seeds->next());
  const C scale = static_cast<C>(1 / (1 - ratio));
  bool* mask = args.mask == DType::undefined ? nullptr : call.out<bool>(1);
  for (std::int64_t i = 0; i < args.elements; i++) {
    const bool kept = state.uniform() >= ratio;
    // Multiplied, so that a dropped infinity is no number, as ONNX's formula says.
    call.out<T>()[i] = static_cast<T>(static_cast<C>(call.in<T>()[i]) * static_cast<C>(kept) * scale);
    if (mask) mask[i] = kept;
  }
}

void run(const Args& args, const Call& call) {
  if (!args.seeds || !*call.in<bool>(2)) return pass_on(args, call);
  double ratio = 0.5;
  if (args.ratio != DType::undefined) {
    ratio = dispatch_float(args.ratio, [&](auto tag) {
      using R = typename decltype(tag)::type;
      return static_cast<double>(static_cast<Compute<R>>(*call.in<R>(1)));
    });
  }
  if (!(ratio >= 0 && ratio < 1)) return call.failure.set("the ratio is not from 0 to below 1");
  if (ratio == 0) return pass_on(args, call);
  dispatch_float(args.type, [&](auto tag) { drop<typename decltype(tag)::type>(args, call, ratio); });
}

Result<Step> prepare(PrepareContext& context) {
  const bool trains = may_train(context), masked = context.wants_output(1);
  if (!trains && !masked) return view_step();
  Args args{trains ? std::make_shared<Seeds>(context.node) : nullptr, context.in(0).type,
            context.has(1) ? context.in(1).type : DType::undefined, masked ? context.out(1).type : DType::undefined,
            context.in(0).elements()};
  Step step = make_step<run>(std::move(args), "dropout");
  step.in_place = 1;
  return step;
}

DType type_of(const Node& node, std::span<const DType> inputs, int i) {
  return i == 1 && node.version >= 10 ? DType::boolean : inputs[0];
}

constexpr int kVersions[] = {1, 6, 7, 10, 12, 13, 22};
constexpr AttrSpec kAttributes[] = {
    {"ratio", AttrKind::real}, {"is_test", AttrKind::integer}, {"seed", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats, kFloats, types(DType::boolean)};

constexpr OpDef kOps[] = {{.name = "Dropout",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, 3},
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .own_type = 0b10,
                           .output_type = type_of,
                           .infer = infer,
                           .prepare = prepare,
                           .random = true,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_dropout;
constinit const std::span<const OpDef> ops_dropout{kOps};

}  // namespace adze
