// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss (its data through log-softmax over axis 1 first): per element
// -weight[t] * x[n, t, ...] for the target t, as they are, summed, or averaged by weight. Computed in double.
#include <cmath>

#include "graph/elementwise.h"

namespace adze {
namespace {

enum class Reduction { none, sum, mean };

bool with_softmax(const Node& node) { return node.op->name == "SoftmaxCrossEntropyLoss"; }

Result<void> check(const Node& node) {
  const std::string reduction = node.attributes.string("reduction", "mean");
  if (reduction == "none" || reduction == "sum" || reduction == "mean") return {};
  return make_error(Code::invalid_model, "attribute \"reduction\" is \"", reduction, '"');
}

Reduction reduction_of(const Node& node) {
  const std::string name = node.attributes.string("reduction", "mean");
  return name == "none" ? Reduction::none : name == "sum" ? Reduction::sum : Reduction::mean;
}

Result<void> infer(InferContext& context) {
  const Shape &data = context.shape(0), &target = context.shape(1);
  bool fits = data.rank() >= 2 && target.rank() == data.rank() - 1 && target[0] == data[0];
  for (int i = 2; i < data.rank() && fits; i++) fits = target[i - 1] == data[i];
  if (fits && context.has(2)) fits = context.shape(2) == Shape{data[1]};
  if (!fits) return make_error(Code::invalid_model, "target ", to_string(target), " doesn't fit ", to_string(data));
  context.set_shape(0, reduction_of(context.node) == Reduction::none ? target : Shape{});
  context.set_shape(1, data);
  return {};
}

struct Args {
  DType type, target_type;
  Reduction reduction;
  std::int64_t n, classes, inner;
  bool softmax, weighted, log_prob;
  std::optional<std::int64_t> ignored;
};

void run(const Args& args, const Call& call) {
  if (call.slice.part != 0) return;
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    double sum = 0, weights = 0;
    for (std::int64_t i = 0; i < args.n * args.inner; i++) {
      const std::int64_t base = i / args.inner * args.classes * args.inner + i % args.inner;
      const auto at = [&](std::int64_t c) {
        return static_cast<double>(static_cast<Compute<T>>(call.in<T>()[base + c * args.inner]));
      };
      double log_sum = 0;
      if (args.softmax) {
        double most = at(0);
        for (std::int64_t c = 1; c < args.classes; c++) most = std::max(most, at(c));
        for (std::int64_t c = 0; c < args.classes; c++) log_sum += std::exp(at(c) - most);
        log_sum = std::log(log_sum) + most;
      }
      for (std::int64_t c = 0; c < args.classes && args.log_prob; c++) {
        call.out<T>(1)[base + c * args.inner] = static_cast<T>(static_cast<Compute<T>>(at(c) - log_sum));
      }
      const std::int64_t target =
          args.target_type == DType::i64 ? call.in<std::int64_t>(1)[i] : call.in<std::int32_t>(1)[i];
      double loss = 0, weight = 0;
      if (!args.ignored || target != *args.ignored) {
        if (target < 0 || target >= args.classes) return call.failure.set("a target is no class");
        weight = args.weighted ? static_cast<double>(static_cast<Compute<T>>(call.in<T>(2)[target])) : 1;
        loss = -weight * (at(target) - log_sum);
      }
      sum += loss;
      weights += weight;
      if (args.reduction == Reduction::none) call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(loss));
    }
    if (args.reduction == Reduction::none) return;
    const double result = args.reduction == Reduction::sum ? sum : sum / weights;
    call.out<T>()[0] = static_cast<T>(static_cast<Compute<T>>(result));
  });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  Args args{context.in(0).type,
            context.in(1).type,
            reduction_of(context.node),
            data[0],
            data[1],
            data.elements(2, data.rank()),
            with_softmax(context.node),
            context.has(2),
            context.wants_output(1),
            std::nullopt};
  if (args.classes == 0) return make_error(Code::invalid_model, "there are no classes");
  if (context.node.attributes.has("ignore_index")) args.ignored = context.node.attributes.integer("ignore_index", 0);
  return make_step<run>(args, "loss");
}

constexpr int kNll[] = {12, 13, 22}, kCrossEntropy[] = {12, 13};
constexpr AttrSpec kAttributes[] = {{"ignore_index", AttrKind::integer}, {"reduction", AttrKind::string}};
constexpr TypeMask kTypes[] = {kFloats, kIndices, kFloats};

constexpr OpDef op(std::string_view name, std::span<const int> versions, int outputs) {
  return {.name = name,
          .versions = versions,
          .attributes = kAttributes,
          .inputs = {2, 3},
          .outputs = {1, outputs},
          .input_types = kTypes,
          .check = check,
          .infer = infer,
          .prepare = prepare};
}
constexpr OpDef kOps[] = {op("NegativeLogLikelihoodLoss", kNll, 1), op("SoftmaxCrossEntropyLoss", kCrossEntropy, 2)};

}  // namespace
extern const std::span<const OpDef> ops_loss;
constinit const std::span<const OpDef> ops_loss{kOps};

}  // namespace adze
