// Support vector machines: kernels between a row and the support vectors, and probabilities from the decisions between
// pairs of classes. All in double.
#pragma once

#include <span>
#include <vector>

#include "graph/feature_rows.h"

namespace adze {

enum class SvmKernel { linear, poly, rbf, sigmoid };

// The vectors, or the plain weights, of a machine: `count` rows of `columns` floats.
struct SupportVectors {
  SvmKernel kernel = SvmKernel::linear;
  double gamma = 0, coef0 = 0, degree = 0;
  std::int64_t count = 0, columns = 0;
  std::vector<float> rows;

  // The kernel of `x` with row i.
  double operator()(const double* x, std::int64_t i) const;
};

// From the attributes kernel_type, kernel_params and `rows`. Error where these aren't `count` rows of one length.
Result<SupportVectors> support_vectors(const Node& node, const std::string& rows, std::int64_t count);

// The rows that the vectors take.
Result<FeatureRows> rows_for(const SupportVectors& vectors, const TensorInfo& input);

// What the planner must know of a step that takes each row to that many vectors; `scratch`: how many doubles.
Step svm_step(Step step, const FeatureRows& rows, std::int64_t vectors, std::size_t scratch);

// Probabilities of k classes from `pairs` [k, k], the probability of class i against class j. `scratch` holds k * (k +
// 1). By T.-F. Wu, C.-J. Lin and R. C. Weng, "Probability Estimates for Multi-class Classification by Pairwise
// Coupling", the second method, stopped as LIBSVM stops it.
void couple_pairs(std::int64_t k, const double* pairs, double* scratch, double* probabilities);

}  // namespace adze
