// SVMClassifier and SVMRegressor. With support vectors, a classifier decides between each pair of classes, and the
// class that wins most pairs is the label; with prob_a and prob_b the scores are probabilities, otherwise the
// decisions. Without support vectors both are linear models.
#include <algorithm>

#include "graph/classifier.h"
#include "graph/elementwise.h"
#include "graph/feature_rows.h"
#include "graph/support_vectors.h"

namespace adze {
namespace {

// ---- classifier -----------------------------------------------------------------------------------------------------

struct Classifier {
  SupportVectors vectors;
  std::int64_t classes = 0, pairs = 0;
  bool linear = false;                     // one row of weights per class instead of support vectors
  std::vector<std::int64_t> first_vector;  // per class, and the end
  std::vector<float> coefficients;         // [classes - 1, vectors]
  std::vector<float> rho, prob_a, prob_b;  // per pair

  bool gives_probabilities() const { return !prob_a.empty(); }
  // How many scores a row has; a single decision becomes a pair of opposite ones.
  std::int64_t scores() const {
    if (linear || gives_probabilities()) return classes;
    return pairs == 1 ? 2 : pairs;
  }
};

Result<void> check_length(std::string_view name, std::size_t length, std::int64_t expected) {
  if (static_cast<std::int64_t>(length) == expected) return {};
  return make_error(Code::invalid_model, name, " has ", length, " entries, not ", expected);
}

Result<Classifier> classifier_of(const Node& node) {
  const Attributes& attributes = node.attributes;
  Classifier svm;
  ADZE_TRY(const ClassLabels labels, class_labels(node));
  svm.classes = labels.count;
  svm.rho = attributes.reals("rho");
  std::int64_t total = 0;
  for (const std::int64_t n : attributes.integers("vectors_per_class")) {
    svm.first_vector.push_back(total);
    if (__builtin_add_overflow(total, n, &total)) return make_error(Code::invalid_model, "too many support vectors");
  }
  svm.linear = total == 0;
  if (svm.classes < 2) return make_error(Code::invalid_model, "needs two class labels at least");
  if (svm.linear) {
    ADZE_TRY(svm.vectors, support_vectors(node, "coefficients", svm.classes));
    svm.vectors.kernel = SvmKernel::linear;
    if (svm.rho.empty()) return make_error(Code::invalid_model, "rho is empty");
    return svm;
  }
  ADZE_CHECK(check_length("vectors_per_class", svm.first_vector.size(), svm.classes));
  svm.first_vector.push_back(total);
  svm.pairs = svm.classes * (svm.classes - 1) / 2;
  ADZE_TRY(svm.vectors, support_vectors(node, "support_vectors", total));
  svm.coefficients = attributes.reals("coefficients");
  svm.prob_a = attributes.reals("prob_a");
  svm.prob_b = attributes.reals("prob_b");
  ADZE_CHECK(check_length("coefficients", svm.coefficients.size(), (svm.classes - 1) * total));
  ADZE_CHECK(check_length("rho", svm.rho.size(), svm.pairs));
  if (svm.gives_probabilities()) ADZE_CHECK(check_length("prob_a", svm.prob_a.size(), svm.pairs));
  ADZE_CHECK(check_length("prob_b", svm.prob_b.size(), svm.gives_probabilities() ? svm.pairs : 0));
  return svm;
}

struct ClassifierArgs {
  FeatureRows input;
  Classifier svm;
  ClassWriter writer;
};

// The parts of a thread's scratch, which begins at `base`; null where only the size is asked for.
struct Workspace {
  double *row, *kernels, *votes, *decisions, *scores, *pairs, *coupling;
  std::size_t size = 0;

  Workspace(const Classifier& svm, double* base) {
    const std::int64_t k = svm.gives_probabilities() ? svm.classes : 0;
    const auto take = [&](std::int64_t n) {
      double* part = base ? base + size : nullptr;
      size += static_cast<std::size_t>(n);
      return part;
    };
    row = take(svm.vectors.columns);
    kernels = take(svm.vectors.count);
    votes = take(svm.classes);
    decisions = take(svm.pairs);
    scores = take(svm.scores());
    pairs = take(k * k);
    coupling = take(k * (k + 1));
  }
};

// Decisions between all pairs (i, j), i < j: positive for i. Counts the votes.
void decide(const Classifier& svm, const Workspace& work) {
  const std::int64_t n = svm.vectors.count;
  std::fill_n(work.votes, svm.classes, 0.0);
  std::int64_t pair = 0;
  const auto sum = [&](std::int64_t of, std::int64_t against) {
    const std::int64_t first = svm.first_vector[static_cast<std::size_t>(of)];
    const std::int64_t end = svm.first_vector[static_cast<std::size_t>(of) + 1];
    return dot(svm.coefficients.data() + against * n + first, work.kernels + first, end - first);
  };
  for (std::int64_t i = 0; i < svm.classes; i++) {
    for (std::int64_t j = i + 1; j < svm.classes; j++, pair++) {
      work.decisions[pair] = static_cast<double>(svm.rho[static_cast<std::size_t>(pair)]) + sum(i, j - 1) + sum(j, i);
      work.votes[work.decisions[pair] > 0 ? i : j]++;
    }
  }
}

// Platt's sigmoid per pair, then all pairs together.
void set_probabilities(const Classifier& svm, const Workspace& work) {
  constexpr double kLeast = 1e-7;
  std::int64_t pair = 0;
  for (std::int64_t i = 0; i < svm.classes; i++) {
    for (std::int64_t j = i + 1; j < svm.classes; j++, pair++) {
      const auto at = static_cast<std::size_t>(pair);
      const double exponent =
          work.decisions[pair] * static_cast<double>(svm.prob_a[at]) + static_cast<double>(svm.prob_b[at]);
      const double p = std::clamp(logistic(-exponent), kLeast, 1 - kLeast);
      work.pairs[i * svm.classes + j] = p;
      work.pairs[j * svm.classes + i] = 1 - p;
    }
  }
  couple_pairs(svm.classes, work.pairs, work.coupling, work.scores);
}

void run_classifier(const ClassifierArgs& args, const Call& call) {
  const Classifier& svm = args.svm;
  const Workspace work(svm, reinterpret_cast<double*>(call.scratch));
  const std::span scores(work.scores, static_cast<std::size_t>(svm.scores()));
  const Range range = call.slice.of(args.input.rows);
  for (std::int64_t r = range.begin; r < range.end && !call.cancel.requested(); r++) {
    const double* x = args.input.row<double>(call, r, work.row);
    for (std::int64_t i = 0; i < svm.vectors.count; i++) work.kernels[i] = svm.vectors(x, i);
    if (svm.linear) {
      for (std::int64_t i = 0; i < svm.classes; i++) work.scores[i] = work.kernels[i] + static_cast<double>(svm.rho[0]);
      args.writer.write(call, r, first_greatest(scores), scores);
      continue;
    }
    decide(svm, work);
    if (svm.gives_probabilities()) {
      set_probabilities(svm, work);
    } else if (svm.pairs == 1) {
      work.scores[0] = -work.decisions[0];
      work.scores[1] = work.decisions[0];
    } else {
      std::copy_n(work.decisions, svm.pairs, work.scores);
    }
    args.writer.write(call, r, first_greatest({work.votes, static_cast<std::size_t>(svm.classes)}), scores);
  }
}

Result<FeatureRows> rows_for(const SupportVectors& vectors, const TensorInfo& input) {
  ADZE_TRY(const FeatureRows rows, feature_rows(input));
  if (rows.columns == vectors.columns) return rows;
  return make_error(Code::invalid_model, "vectors of ", vectors.columns, " features don't fit ", rows.columns,
                    " columns");
}

Result<void> infer_classifier(InferContext& context) {
  ADZE_TRY(const Classifier svm, classifier_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  set_classifier_shapes(context, rows.rows, svm.scores());
  return {};
}

// `weights`: how many a row is multiplied with; `scratch`: how many doubles.
Step finished(Step step, const FeatureRows& input, std::size_t weights, std::size_t scratch) {
  step.max_parts = row_parts(input.rows, static_cast<std::int64_t>(weights));
  step.scratch_bytes = scratch * sizeof(double);
  step.flops = 2.0 * static_cast<double>(input.rows) * static_cast<double>(weights);
  return step;
}

Result<Step> prepare_classifier(PrepareContext& context) {
  ADZE_TRY(Classifier svm, classifier_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  ADZE_TRY(ClassWriter writer, ClassWriter::make(context));
  const std::size_t scratch = Workspace(svm, nullptr).size, weights = svm.vectors.rows.size();
  return finished(make_step<run_classifier>(ClassifierArgs{rows, std::move(svm), std::move(writer)}, "svm"), rows,
                  weights, scratch);
}

// ---- regressor ------------------------------------------------------------------------------------------------------

struct Regressor {
  SupportVectors vectors;
  std::vector<float> coefficients;  // one per vector
  double rho = 0;
  bool one_class = false;
  PostTransform transform = PostTransform::none;
};

Result<Regressor> regressor_of(const Node& node) {
  Regressor svm;
  const std::int64_t n = node.attributes.integer("n_supports", 0);
  if (n > 0) {
    ADZE_TRY(svm.vectors, support_vectors(node, "support_vectors", n));
    svm.coefficients = node.attributes.reals("coefficients");
    ADZE_CHECK(check_length("coefficients", svm.coefficients.size(), n));
  } else {
    ADZE_TRY(svm.vectors, support_vectors(node, "coefficients", 1));
    svm.vectors.kernel = SvmKernel::linear;
    svm.coefficients = {1};
  }
  const std::vector<float> rho = node.attributes.reals("rho");
  ADZE_CHECK(check_length("rho", rho.size(), 1));
  svm.rho = static_cast<double>(rho[0]);
  svm.one_class = node.attributes.integer("one_class", 0) != 0;
  ADZE_TRY(svm.transform, post_transform_of(node));
  return svm;
}

struct RegressorArgs {
  FeatureRows input;
  Regressor svm;
};

void run_regressor(const RegressorArgs& args, const Call& call) {
  const Regressor& svm = args.svm;
  const Range range = call.slice.of(args.input.rows);
  for (std::int64_t r = range.begin; r < range.end && !call.cancel.requested(); r++) {
    const double* x = args.input.row<double>(call, r, reinterpret_cast<double*>(call.scratch));
    double sum = 0;
    for (std::int64_t i = 0; i < svm.vectors.count; i++) {
      sum += static_cast<double>(svm.coefficients[static_cast<std::size_t>(i)]) * svm.vectors(x, i);
    }
    sum += svm.rho;
    if (svm.one_class) sum = sum > 0 ? 1 : -1;
    apply(svm.transform, {&sum, 1});
    call.out()[r] = static_cast<float>(sum);
  }
}

Result<void> infer_regressor(InferContext& context) {
  ADZE_TRY(const Regressor svm, regressor_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  context.set_shape(0, {rows.rows, 1});
  return {};
}

Result<Step> prepare_regressor(PrepareContext& context) {
  ADZE_TRY(Regressor svm, regressor_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  const std::size_t weights = svm.vectors.rows.size();
  return finished(make_step<run_regressor>(RegressorArgs{rows, std::move(svm)}, "svm"), rows, weights,
                  static_cast<std::size_t>(rows.columns));
}

// ---- definitions ----------------------------------------------------------------------------------------------------

Result<void> check_classifier(const Node& node) {
  ADZE_CHECK(classifier_of(node));
  ADZE_CHECK(post_transform_of(node));
  return {};
}
Result<void> check_regressor(const Node& node) {
  ADZE_CHECK(regressor_of(node));
  return {};
}

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kClassifier[] = {{"kernel_type", AttrKind::string},
                                    {"kernel_params", AttrKind::reals},
                                    {"vectors_per_class", AttrKind::integers, false, 0},
                                    {"support_vectors", AttrKind::reals},
                                    {"coefficients", AttrKind::reals, true},
                                    {"rho", AttrKind::reals, true},
                                    {"prob_a", AttrKind::reals},
                                    {"prob_b", AttrKind::reals},
                                    {"classlabels_ints", AttrKind::integers},
                                    {"classlabels_strings", AttrKind::strings},
                                    {"post_transform", AttrKind::string}};
constexpr AttrSpec kRegressor[] = {{"kernel_type", AttrKind::string},
                                   {"kernel_params", AttrKind::reals},
                                   {"n_supports", AttrKind::integer, false, 0},
                                   {"support_vectors", AttrKind::reals},
                                   {"coefficients", AttrKind::reals, true},
                                   {"rho", AttrKind::reals, true},
                                   {"one_class", AttrKind::integer},
                                   {"post_transform", AttrKind::string}};

constexpr OpDef kOps[] = {{.name = "SVMClassifier",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kClassifier,
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .output_type = classifier_type,
                           .check = check_classifier,
                           .infer = infer_classifier,
                           .prepare = prepare_classifier},
                          {.name = "SVMRegressor",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kRegressor,
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .check = check_regressor,
                           .infer = infer_regressor,
                           .prepare = prepare_regressor}};

}  // namespace
extern const std::span<const OpDef> ops_svm;
constinit const std::span<const OpDef> ops_svm{kOps};

}  // namespace adze
