// LinearClassifier and LinearRegressor: one product of weights and features per class or target, in double.
#include "graph/classifier.h"
#include "graph/elementwise.h"
#include "graph/feature_rows.h"

namespace adze {
namespace {

struct Model {
  FeatureRows input;
  std::int64_t targets = 0;
  std::vector<float> coefficients, intercepts;  // [targets, columns]; [targets] or none

  // `row`: a buffer for the row's features.
  void scores(const Call& call, std::int64_t i, double* row, double* result) const {
    const double* x = input.row<double>(call, i, row);
    for (std::int64_t t = 0; t < targets; t++) {
      const double product = dot(coefficients.data() + t * input.columns, x, input.columns);
      result[t] = product + (intercepts.empty() ? 0 : static_cast<double>(intercepts[static_cast<std::size_t>(t)]));
    }
  }
};

// `targets` 0: as many as there are coefficients for.
Result<Model> model_of(const Node& node, const TensorInfo& input, std::int64_t targets) {
  Model model;
  ADZE_TRY(model.input, feature_rows(input));
  model.coefficients = node.attributes.reals("coefficients");
  model.intercepts = node.attributes.reals("intercepts");
  const auto n = static_cast<std::int64_t>(model.coefficients.size()), columns = model.input.columns;
  model.targets = targets ? targets : columns ? n / columns : 0;
  if (n == 0 || model.targets == 0 || n % model.targets != 0 || n / model.targets != columns) {
    return make_error(Code::invalid_model, n, " coefficients don't fit ", columns, " columns");
  }
  if (!model.intercepts.empty() && static_cast<std::int64_t>(model.intercepts.size()) != model.targets) {
    return make_error(Code::invalid_model, model.intercepts.size(), " intercepts for ", model.targets, " targets");
  }
  return model;
}

// Two more scores: a single one may become a pair.
Step finished(Step step, const FeatureRows& input, std::int64_t targets) {
  step.max_parts = row_parts(input.rows, input.columns * targets);
  step.scratch_bytes = static_cast<std::size_t>(input.columns + targets + 2) * sizeof(double);
  step.flops = 2.0 * static_cast<double>(input.rows) * static_cast<double>(input.columns * targets);
  return step;
}

// ---- regressor ------------------------------------------------------------------------------------------------------

struct RegressorArgs {
  Model model;
  PostTransform transform;
};

void run_regressor(const RegressorArgs& args, const Call& call) {
  const std::int64_t targets = args.model.targets;
  auto* scores = reinterpret_cast<double*>(call.scratch);
  const Range range = call.slice.of(args.model.input.rows);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    args.model.scores(call, i, scores + targets, scores);
    apply(args.transform, {scores, static_cast<std::size_t>(targets)});
    for (std::int64_t t = 0; t < targets; t++) call.out()[i * targets + t] = static_cast<float>(scores[t]);
  }
}

Result<void> infer_regressor(InferContext& context) {
  ADZE_TRY(const Model model, model_of(context.node, context.in(0), context.node.attributes.integer("targets", 1)));
  context.set_shape(0, {model.input.rows, model.targets});
  return {};
}

Result<Step> prepare_regressor(PrepareContext& context) {
  ADZE_TRY(Model model, model_of(context.node, context.in(0), context.node.attributes.integer("targets", 1)));
  ADZE_TRY(const PostTransform transform, post_transform_of(context.node));
  const auto [input, targets] = std::pair(model.input, model.targets);
  return finished(make_step<run_regressor>(RegressorArgs{std::move(model), transform}, "linear"), input, targets);
}

// ---- classifier -----------------------------------------------------------------------------------------------------

struct ClassifierArgs {
  Model model;
  ClassWriter writer;
};

// One score and two labels: the other class has the opposite score. One score and one label: positive or not.
void run_classifier(const ClassifierArgs& args, const Call& call) {
  const auto targets = static_cast<std::size_t>(args.model.targets);
  auto* scores = reinterpret_cast<double*>(call.scratch);
  const Range range = call.slice.of(args.model.input.rows);
  for (std::int64_t i = range.begin; i < range.end; i++) {
    args.model.scores(call, i, scores + targets + 2, scores);
    if (targets > 1) {
      args.writer.write(call, i, first_greatest({scores, targets}), {scores, targets});
    } else if (args.writer.classes() == 2) {
      double both[] = {-scores[0], scores[0]};
      args.writer.write(call, i, first_greatest(both), both);
    } else {
      double transformed = scores[0];
      apply(args.writer.transform(), {&transformed, 1});
      const double threshold = args.writer.transform() == PostTransform::none ? 0 : 0.5;
      args.writer.write(call, i, transformed >= threshold, {scores, 1});
    }
  }
}

Result<Model> classifier_model(const Node& node, const TensorInfo& input, std::int64_t classes) {
  ADZE_TRY(Model model, model_of(node, input, 0));
  if (model.targets != classes && !(model.targets == 1 && classes == 2)) {
    return make_error(Code::invalid_model, "coefficients for ", model.targets, " classes, but labels for ", classes);
  }
  return model;
}

Result<void> infer_classifier(InferContext& context) {
  ADZE_TRY(const ClassLabels labels, class_labels(context.node));
  ADZE_TRY(const Model model, classifier_model(context.node, context.in(0), labels.count));
  set_classifier_shapes(context, model.input.rows, labels.count);
  return {};
}

Result<Step> prepare_classifier(PrepareContext& context) {
  ADZE_TRY(ClassWriter writer, ClassWriter::make(context));
  ADZE_TRY(Model model, classifier_model(context.node, context.in(0), writer.classes()));
  const auto [input, targets] = std::pair(model.input, model.targets);
  return finished(make_step<run_classifier>(ClassifierArgs{std::move(model), std::move(writer)}, "linear"), input,
                  targets);
}

Result<void> check_transform(const Node& node) {
  ADZE_CHECK(post_transform_of(node));
  return {};
}
Result<void> check_classifier(const Node& node) {
  ADZE_CHECK(class_labels(node));
  return check_transform(node);
}

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kClassifier[] = {
    {"coefficients", AttrKind::reals, true},  {"intercepts", AttrKind::reals},
    {"classlabels_ints", AttrKind::integers}, {"classlabels_strings", AttrKind::strings},
    {"multi_class", AttrKind::integer},       {"post_transform", AttrKind::string}};
constexpr AttrSpec kRegressor[] = {{"coefficients", AttrKind::reals, true},
                                   {"intercepts", AttrKind::reals},
                                   {"targets", AttrKind::integer, false, 1},
                                   {"post_transform", AttrKind::string}};

constexpr OpDef kOps[] = {{.name = "LinearClassifier",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kClassifier,
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .output_type = classifier_type,
                           .check = check_classifier,
                           .infer = infer_classifier,
                           .prepare = prepare_classifier},
                          {.name = "LinearRegressor",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kRegressor,
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .check = check_transform,
                           .infer = infer_regressor,
                           .prepare = prepare_regressor}};

}  // namespace
extern const std::span<const OpDef> ops_linear_model;
constinit const std::span<const OpDef> ops_linear_model{kOps};

}  // namespace adze
