// TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble. At load their lists of nodes are checked and become
// one attribute "trees", which all plans share.
#include "graph/tree_ensemble.h"

#include <algorithm>
#include <array>

#include "graph/classifier.h"
#include "graph/elementwise.h"
#include "graph/tree_attributes.h"
#include "graph/tree_scorer.h"

namespace adze {
namespace {

// Leaves the node without what has become part of "trees".
Result<void> set_trees(Node& node, const TreeSource& source, std::int64_t targets) {
  ADZE_TRY(Tensor trees, condense_trees(source, targets));
  std::vector<std::string> done;
  for (const auto& [name, value] : node.attributes) {
    for (const std::string_view prefix : {"nodes_", "class_", "target_", "leaf_", "tree_roots", "membership_values"}) {
      if (name.starts_with(prefix)) done.push_back(name);
    }
  }
  for (const std::string& name : done) node.attributes.erase(name);
  node.attributes.set("trees", std::move(trees));
  return {};
}

Result<FeatureRows> rows_of(const Node& node, const TensorInfo& input) {
  ADZE_TRY(const FeatureRows rows, feature_rows(input));
  const std::int64_t needed = features_of(*node.attributes.tensor("trees"));
  if (rows.columns < needed) {
    return make_error(Code::invalid_model, "the trees ask for feature ", needed - 1, " of ", rows.columns);
  }
  return rows;
}

Result<std::vector<double>> base_values(const Node& node, std::int64_t targets) {
  ADZE_TRY(std::vector<double> values, reals_or_tensor(node, "base_values"));
  if (values.size() > 1 && static_cast<std::int64_t>(values.size()) != targets) {
    return make_error(Code::invalid_model, "base_values has ", values.size(), " entries for ", targets, " targets");
  }
  return values;
}

Step finished(Step step, const TreeScorer& scorer, const FeatureRows& rows) {
  step.max_parts = row_parts(rows.rows, scorer.cost_per_row());
  step.scratch_bytes = scorer.scratch_bytes(rows);
  return step;
}

// Calls f(row, scores) for this thread's rows.
template <class F>
void for_scored_rows(const TreeScorer& scorer, const FeatureRows& rows, std::int64_t targets, const Call& call, F f) {
  const Range range = call.slice.of(rows.rows);
  for (std::int64_t first = range.begin; first < range.end && !call.cancel.requested(); first += TreeScorer::kBlock) {
    const int n = static_cast<int>(std::min<std::int64_t>(TreeScorer::kBlock, range.end - first));
    double* scores = scorer.score(rows, call, first, n);
    for (int r = 0; r < n; r++) {
      f(first + r, std::span(scores + r * targets, static_cast<std::size_t>(targets)));
    }
  }
}

// ---- classifier -----------------------------------------------------------------------------------------------------

// All weights are for one class of at most two: the other's score follows from it.
constexpr char kOnlyClass[] = "only_class";

Result<void> condense_classifier(Node& node) {
  ADZE_TRY(const ClassLabels labels, class_labels(node));
  ADZE_CHECK(post_transform_of(node));
  ADZE_CHECK(base_values(node, labels.count));
  ADZE_TRY(const TreeSource source, read_trees_by_id(node, "class"));
  ADZE_CHECK(set_trees(node, source, labels.count));
  const auto other = [&](const TreeSource::Vote& vote) { return vote.target != source.votes[0].target; };
  if (labels.count <= 2 && !source.votes.empty() && std::ranges::none_of(source.votes, other)) {
    node.attributes.set(kOnlyClass, source.votes[0].target);
  } else if (labels.count == 1) {
    return make_error(Code::invalid_model, "no weight for the only class");
  }
  return {};
}

Result<void> infer_classifier(InferContext& context) {
  ADZE_TRY(const FeatureRows rows, rows_of(context.node, context.in(0)));
  ADZE_TRY(const ClassLabels labels, class_labels(context.node));
  set_classifier_shapes(context, rows.rows, std::max<std::int64_t>(2, labels.count));
  return {};
}

struct ClassifierArgs {
  FeatureRows rows;
  TreeScorer scorer;
  ClassWriter writer;
  std::int64_t only_class;  // -1: every class has a score of its own
};

void run_classifier(const ClassifierArgs& args, const Call& call) {
  for_scored_rows(args.scorer, args.rows, args.writer.classes(), call, [&](std::int64_t row, std::span<double> scores) {
    if (args.only_class < 0) return args.writer.write(call, row, first_greatest(scores), scores);
    const double score = scores[static_cast<std::size_t>(args.only_class)];
    const bool as_is =
        args.writer.transform() == PostTransform::none || args.writer.transform() == PostTransform::probit;
    double both[] = {as_is ? 1 - score : -score, score};
    args.writer.write(call, row, first_greatest(both), both);
  });
}

Result<Step> prepare_classifier(PrepareContext& context) {
  ADZE_TRY(const FeatureRows rows, rows_of(context.node, context.in(0)));
  ADZE_TRY(ClassWriter writer, ClassWriter::make(context));
  ADZE_TRY(std::vector<double> base, base_values(context.node, writer.classes()));
  TreeScorer scorer(*context.node.attributes.tensor("trees"), writer.classes(), Aggregate::sum, std::move(base));
  const std::int64_t only = context.node.attributes.integer(kOnlyClass, -1);
  return finished(make_step<run_classifier>(ClassifierArgs{rows, scorer, std::move(writer), only}, "trees"), scorer,
                  rows);
}

// ---- regressors -----------------------------------------------------------------------------------------------------

bool is_by_position(const Node& node) { return node.op->name == "TreeEnsemble"; }

Result<Aggregate> aggregate_of(const Node& node) {
  if (is_by_position(node)) return static_cast<Aggregate>(node.attributes.integer("aggregate_function", 1));
  constexpr std::string_view kNames[] = {"AVERAGE", "SUM", "MIN", "MAX"};
  const std::string name = node.attributes.string("aggregate_function", "SUM");
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return make_error(Code::unsupported, "aggregate_function \"", name, "\" is not known");
  return static_cast<Aggregate>(found - std::begin(kNames));
}

Result<PostTransform> transform_of(const Node& node) {
  if (!is_by_position(node)) return post_transform_of(node);
  return static_cast<PostTransform>(node.attributes.integer("post_transform", 0));
}

Result<void> condense_regressor(Node& node) {
  const std::int64_t targets = node.attributes.integer("n_targets", 0);
  ADZE_CHECK(aggregate_of(node));
  ADZE_CHECK(transform_of(node));
  ADZE_CHECK(base_values(node, targets));
  ADZE_TRY(const TreeSource source,
           is_by_position(node) ? read_trees_by_position(node) : read_trees_by_id(node, "target"));
  return set_trees(node, source, targets);
}

Result<void> infer_regressor(InferContext& context) {
  ADZE_TRY(const FeatureRows rows, rows_of(context.node, context.in(0)));
  context.set_shape(0, {rows.rows, context.node.attributes.integer("n_targets", 0)});
  return {};
}

struct RegressorArgs {
  FeatureRows rows;
  TreeScorer scorer;
  std::int64_t targets;
  PostTransform transform;
  DType out;
};

void run_regressor(const RegressorArgs& args, const Call& call) {
  dispatch_float(args.out, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for_scored_rows(args.scorer, args.rows, args.targets, call, [&](std::int64_t row, std::span<double> scores) {
      apply(args.transform, scores);
      T* dst = call.out<T>() + row * args.targets;
      for (std::size_t i = 0; i < scores.size(); i++) dst[i] = static_cast<T>(static_cast<Compute<T>>(scores[i]));
    });
  });
}

Result<Step> prepare_regressor(PrepareContext& context) {
  ADZE_TRY(const FeatureRows rows, rows_of(context.node, context.in(0)));
  const std::int64_t targets = context.node.attributes.integer("n_targets", 0);
  ADZE_TRY(std::vector<double> base, base_values(context.node, targets));
  ADZE_TRY(const Aggregate aggregate, aggregate_of(context.node));
  ADZE_TRY(const PostTransform transform, transform_of(context.node));
  TreeScorer scorer(*context.node.attributes.tensor("trees"), targets, aggregate, std::move(base));
  return finished(
      make_step<run_regressor>(RegressorArgs{rows, scorer, targets, transform, context.out().type}, "trees"), scorer,
      rows);
}

// ---- definitions ----------------------------------------------------------------------------------------------------

constexpr int kById[] = {1, 3, 5}, kByPosition[] = {5};
constexpr std::int64_t kMaxTargets = 1 << 20;

template <std::size_t A, std::size_t B>
constexpr std::array<AttrSpec, A + B> joined(const AttrSpec (&a)[A], const AttrSpec (&b)[B]) {
  std::array<AttrSpec, A + B> all{};
  std::copy(b, b + B, std::copy(a, a + A, all.begin()));
  return all;
}

constexpr AttrSpec kNodesById[] = {{"nodes_treeids", AttrKind::integers},
                                   {"nodes_nodeids", AttrKind::integers},
                                   {"nodes_featureids", AttrKind::integers},
                                   {"nodes_modes", AttrKind::strings},
                                   {"nodes_values", AttrKind::reals},
                                   {"nodes_values_as_tensor", AttrKind::tensor},
                                   {"nodes_truenodeids", AttrKind::integers},
                                   {"nodes_falsenodeids", AttrKind::integers},
                                   {"nodes_missing_value_tracks_true", AttrKind::integers},
                                   {"nodes_hitrates", AttrKind::reals},
                                   {"nodes_hitrates_as_tensor", AttrKind::tensor},
                                   {"base_values", AttrKind::reals},
                                   {"base_values_as_tensor", AttrKind::tensor},
                                   {"post_transform", AttrKind::string}};
constexpr AttrSpec kClasses[] = {{"class_treeids", AttrKind::integers},
                                 {"class_nodeids", AttrKind::integers},
                                 {"class_ids", AttrKind::integers},
                                 {"class_weights", AttrKind::reals},
                                 {"class_weights_as_tensor", AttrKind::tensor},
                                 {"classlabels_int64s", AttrKind::integers},
                                 {"classlabels_strings", AttrKind::strings}};
constexpr AttrSpec kTargets[] = {{"target_treeids", AttrKind::integers},
                                 {"target_nodeids", AttrKind::integers},
                                 {"target_ids", AttrKind::integers},
                                 {"target_weights", AttrKind::reals},
                                 {"target_weights_as_tensor", AttrKind::tensor},
                                 {"n_targets", AttrKind::integer, true, 1, kMaxTargets},
                                 {"aggregate_function", AttrKind::string}};
constexpr auto kClassifier = joined(kNodesById, kClasses);
constexpr auto kRegressor = joined(kNodesById, kTargets);
constexpr AttrSpec kEnsemble[] = {{"tree_roots", AttrKind::integers, true},
                                  {"nodes_featureids", AttrKind::integers, true},
                                  {"nodes_modes", AttrKind::tensor, true},
                                  {"nodes_splits", AttrKind::tensor, true},
                                  {"nodes_truenodeids", AttrKind::integers, true},
                                  {"nodes_falsenodeids", AttrKind::integers, true},
                                  {"nodes_trueleafs", AttrKind::integers, true, 0, 1},
                                  {"nodes_falseleafs", AttrKind::integers, true, 0, 1},
                                  {"nodes_missing_value_tracks_true", AttrKind::integers},
                                  {"nodes_hitrates", AttrKind::tensor},
                                  {"membership_values", AttrKind::tensor},
                                  {"leaf_targetids", AttrKind::integers, true},
                                  {"leaf_weights", AttrKind::tensor, true},
                                  {"n_targets", AttrKind::integer, true, 1, kMaxTargets},
                                  {"aggregate_function", AttrKind::integer, false, 0, 3},
                                  {"post_transform", AttrKind::integer, false, 0, 4}};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr TypeMask kFloatTypes[] = {types(DType::f16, DType::f32, DType::f64)};

constexpr OpDef kOps[] = {{.name = "TreeEnsembleClassifier",
                           .domain = "ai.onnx.ml",
                           .versions = kById,
                           .attributes = kClassifier,
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .output_type = classifier_type,
                           .condense = condense_classifier,
                           .infer = infer_classifier,
                           .prepare = prepare_classifier},
                          {.name = "TreeEnsembleRegressor",
                           .domain = "ai.onnx.ml",
                           .versions = kById,
                           .attributes = kRegressor,
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .condense = condense_regressor,
                           .infer = infer_regressor,
                           .prepare = prepare_regressor},
                          {.name = "TreeEnsemble",
                           .domain = "ai.onnx.ml",
                           .versions = kByPosition,
                           .attributes = kEnsemble,
                           .input_types = kFloatTypes,
                           .condense = condense_regressor,
                           .infer = infer_regressor,
                           .prepare = prepare_regressor}};

}  // namespace
extern const std::span<const OpDef> ops_tree_ensemble;
constinit const std::span<const OpDef> ops_tree_ensemble{kOps};

}  // namespace adze
