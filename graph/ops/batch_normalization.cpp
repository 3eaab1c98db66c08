// BatchNormalization. In inference a factor and an offset per channel. In training the batch's own mean and variance
// (of the population) take the place of the given ones, which become running averages: training_mode asks for it from
// version 14, having more than one output before.
#include <algorithm>
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "kernels/norm/norm.h"

namespace adze {
namespace {

std::int64_t channels_of(const Node& node, const Shape& data) {
  return data.rank() < 2 ? 1 : node.channels_last ? data.back() : data[1];
}

bool wants_statistics(const Node& node) {
  return std::any_of(node.outputs.begin() + 1, node.outputs.end(), [](ValueId id) { return id != kNoValue; });
}

bool trains(const Node& node) {
  return node.version >= 14 ? node.attributes.integer("training_mode", 0) != 0 : wants_statistics(node);
}

Result<void> check(const Node& node) {
  if (node.version < 9 && !node.attributes.integer("spatial", 1)) {
    return make_error(Code::unsupported, "statistics per position (spatial 0) are not supported");
  }
  return {};
}

Result<void> infer(InferContext& context) {
  const std::int64_t c = channels_of(context.node, context.shape(0));
  for (int i = 1; i <= 4; i++) {
    if (context.shape(i).elements() != c) {
      return make_error(Code::invalid_model, "input ", i, " has ", context.shape(i).elements(), " elements for ", c,
                        " channels");
    }
  }
  if (!trains(context.node) && wants_statistics(context.node)) {
    return make_error(Code::invalid_model, "there are running statistics only in training mode");
  }
  context.set_shape(0, context.shape(0));
  for (int i = 1; i < context.output_count(); i++) context.set_shape(i, context.shape(i % 2 ? 3 : 4));
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  if (trains(context.node))
    return make_error(Code::bad_input, "in training its statistics are those of the whole batch");
  std::vector<bool> mixed(static_cast<std::size_t>(context.shape(0).rank()));
  if (mixed.size() > 1) mixed[1] = true;
  Lanes lanes = lanes_except(context, mixed);
  lanes.outputs.resize(1);
  return lanes;
}

struct Args {
  ScaleShiftFn kernel;
  DType type, parameter_types[4];
  std::int64_t rows, c;
  double epsilon;
  double momentum;
  std::vector<DType> statistics;  // types of outputs 1 and further; undefined where left out
};

double parameter(const Args& args, const Call& call, int i, std::int64_t c) {
  return dispatch(args.parameter_types[i - 1], [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<T>>(call.in<T>(i)[c]));
  });
}

// The channel's factor and offset are cheap beside its pixels, so every thread computes them for itself.
void run(const Args& args, const Call& call) {
  auto* scale = reinterpret_cast<double*>(call.scratch);
  double* shift = scale + args.c;
  for (std::int64_t c = 0; c < args.c; c++) {
    scale[c] = parameter(args, call, 1, c) / std::sqrt(parameter(args, call, 4, c) + args.epsilon);
    shift[c] = parameter(args, call, 2, c) - parameter(args, call, 3, c) * scale[c];
  }
  const Range rows = call.slice.of(args.rows);
  if (args.type == DType::f32) {
    auto* factors = reinterpret_cast<float*>(shift + args.c);
    for (std::int64_t c = 0; c < 2 * args.c; c++) factors[c] = static_cast<float>(scale[c]);
    const std::int64_t pitch = call.pitch(0, args.c);
    args.kernel(call.in() + rows.begin * pitch, pitch, factors, factors + args.c, call.out() + rows.begin * args.c,
                rows.size(), args.c);
    return;
  }
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = rows.begin * args.c; i < rows.end * args.c; i++) {
      const double x = static_cast<double>(static_cast<Compute<T>>(call.in<T>()[i]));
      call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(x * scale[i % args.c] + shift[i % args.c]));
    }
  });
}

// ---- training -------------------------------------------------------------------------------------------------------

template <class T>
double element(const Call& call, std::int64_t i) {
  return static_cast<double>(static_cast<Compute<T>>(call.in<T>()[i]));
}

// Mean and population variance of the channels in `range`, in two passes so that a large mean costs no digits.
template <class T>
void batch_statistics(const Args& args, const Call& call, Range range, double* mean, double* variance) {
  const auto n = static_cast<double>(args.rows);
  std::fill(mean + range.begin, mean + range.end, 0.0);
  std::fill(variance + range.begin, variance + range.end, 0.0);
  for (std::int64_t row = 0; row < args.rows; row++) {
    for (std::int64_t c = range.begin; c < range.end; c++) mean[c] += element<T>(call, row * args.c + c);
  }
  for (std::int64_t c = range.begin; c < range.end; c++) mean[c] /= n;
  for (std::int64_t row = 0; row < args.rows; row++) {
    for (std::int64_t c = range.begin; c < range.end; c++) {
      const double distance = element<T>(call, row * args.c + c) - mean[c];
      variance[c] += distance * distance;
    }
  }
  for (std::int64_t c = range.begin; c < range.end; c++) variance[c] /= n;
}

// Outputs 1 to 4: the running mean and variance, and before version 14 also the batch's.
void write_statistics(const Args& args, const Call& call, Range range, const double* mean, const double* variance) {
  for (int i = 1; i <= static_cast<int>(args.statistics.size()); i++) {
    const DType type = args.statistics[static_cast<std::size_t>(i - 1)];
    if (type == DType::undefined) continue;
    const bool is_mean = i % 2 != 0, running = i < 3;
    dispatch_float(type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t c = range.begin; c < range.end; c++) {
        double value = is_mean ? mean[c] : variance[c];
        if (running) value = parameter(args, call, is_mean ? 3 : 4, c) * args.momentum + value * (1 - args.momentum);
        call.out<T>(i)[c] = static_cast<T>(static_cast<Compute<T>>(value));
      }
    });
  }
}

// Threads share out channels, so that no sum is cut.
void run_training(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.c);
  auto* mean = reinterpret_cast<double*>(call.scratch);
  double* variance = mean + args.c;
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    batch_statistics<T>(args, call, range, mean, variance);
    write_statistics(args, call, range, mean, variance);
    for (std::int64_t c = range.begin; c < range.end; c++) {
      const double scale = parameter(args, call, 1, c) / std::sqrt(variance[c] + args.epsilon);
      const double shift = parameter(args, call, 2, c);
      for (std::int64_t row = 0; row < args.rows; row++) {
        const double y = (element<T>(call, row * args.c + c) - mean[c]) * scale + shift;
        call.out<T>()[row * args.c + c] = static_cast<T>(static_cast<Compute<T>>(y));
      }
    }
  });
}

Result<Step> prepare_training(PrepareContext& context, Args args) {
  args.momentum = static_cast<double>(context.node.attributes.real("momentum", 0.9f));
  for (int i = 1; i < context.output_count(); i++) {
    args.statistics.push_back(context.wants_output(i) ? context.out(i).type : DType::undefined);
  }
  const auto channels = static_cast<std::size_t>(args.c);
  const int parts =
      std::min(elementwise_parts(context.in(0).elements()), static_cast<int>(std::min<std::int64_t>(args.c, 256)));
  Step step = make_step<run_training>(std::move(args), "batch_normalization_training");
  step.scratch_bytes = channels * 2 * sizeof(double);
  step.max_parts = std::max(parts, 1);
  step.in_place = 1;
  return step;
}

// ---- operator -------------------------------------------------------------------------------------------------------

Result<Step> prepare(PrepareContext& context) {
  const auto& kernel = scale_shift_f32.best(context.isa);
  Args args{kernel.fn,
            context.in(0).type,
            {},
            0,
            channels_of(context.node, context.in(0).shape),
            static_cast<double>(context.node.attributes.real("epsilon", 1e-5f)),
            0,
            {}};
  for (int i = 1; i <= 4; i++) args.parameter_types[i - 1] = context.in(i).type;
  args.rows = context.in(0).elements() / std::max<std::int64_t>(args.c, 1);
  if (trains(context.node)) return prepare_training(context, std::move(args));
  const auto channels = static_cast<std::size_t>(args.c);
  Step step = make_step<run>(std::move(args), concat("scale_shift_f32/", isa_name(kernel.isa)));
  step.scratch_bytes = channels * (2 * sizeof(double) + 2 * sizeof(float));
  step.max_parts = elementwise_parts(context.in(0).elements());
  step.in_place = 1;
  step.pitched = context.in(0).type == DType::f32;
  return step;
}

DType output_type_of(const Node&, std::span<const DType> inputs, int i) {
  return i == 0 || inputs.size() < 5 ? inputs[0] : inputs[3];
}

constexpr int kVersions[] = {1, 6, 7, 9, 14, 15};
constexpr AttrSpec kAttributes[] = {{"epsilon", AttrKind::real},
                                    {"momentum", AttrKind::real},
                                    {"spatial", AttrKind::integer},
                                    {"is_test", AttrKind::integer},
                                    {"training_mode", AttrKind::integer}};
constexpr TypeMask kTypes[] = {kFloats};
constexpr OpDef kOps[] = {{.name = "BatchNormalization",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {5, 5},
                           .outputs = {1, 5},
                           .input_types = kTypes,
                           .own_type = 0b11110,
                           .output_type = output_type_of,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of,
                           .layout = LayoutRule::channels_last,
                           .note = "no statistics per position (spatial 0, before opset 9)"}};

}  // namespace
extern const std::span<const OpDef> ops_batch_normalization;
constinit const std::span<const OpDef> ops_batch_normalization{kOps};

}  // namespace adze
