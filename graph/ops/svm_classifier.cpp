// SVMClassifier. With support vectors it decides between each pair of classes, and the class that wins most pairs is
// the label; with prob_a and prob_b the scores are probabilities, otherwise the decisions. Without support vectors it
// is a linear model.
#include <algorithm>

#include "graph/classifier.h"
#include "graph/list_length.h"
#include "graph/support_vectors.h"

namespace adze {
namespace {

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

struct Args {
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

void run(const Args& args, const Call& call) {
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

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Classifier svm, classifier_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  set_classifier_shapes(context, rows.rows, svm.scores());
  return {};
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Classifier svm, classifier_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  ADZE_TRY(ClassWriter writer, ClassWriter::make(context));
  const std::size_t scratch = Workspace(svm, nullptr).size;
  const std::int64_t vectors = svm.vectors.count;
  return svm_step(make_step<run>(Args{rows, std::move(svm), std::move(writer)}, "svm"), rows, vectors, scratch);
}

Result<void> check(const Node& node) {
  ADZE_CHECK(classifier_of(node));
  ADZE_CHECK(post_transform_of(node));
  return {};
}

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kAttributes[] = {{"kernel_type", AttrKind::string},
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

constexpr OpDef kOps[] = {{.name = "SVMClassifier",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .outputs = {1, 2},
                           .input_types = kTypes,
                           .output_type = classifier_type,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_svm_classifier;
constinit const std::span<const OpDef> ops_svm_classifier{kOps};

}  // namespace adze
