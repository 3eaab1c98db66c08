#include "graph/support_vectors.h"

#include <algorithm>
#include <cmath>

namespace adze {
namespace {

Result<SvmKernel> kernel_of(const Node& node) {
  constexpr std::string_view kNames[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
  const std::string name = node.attributes.string("kernel_type", "LINEAR");
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return make_error(Code::unsupported, "kernel_type \"", name, "\" is not known");
  return static_cast<SvmKernel>(found - std::begin(kNames));
}

double squared_distance(const float* a, const double* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; i++) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return sum;
}

}  // namespace

double SupportVectors::operator()(const double* x, std::int64_t i) const {
  const float* row = rows.data() + i * columns;
  switch (kernel) {
    case SvmKernel::poly:
      return std::pow(gamma * dot(row, x, columns) + coef0, degree);
    case SvmKernel::rbf:
      return std::exp(-gamma * squared_distance(row, x, columns));
    case SvmKernel::sigmoid:
      return std::tanh(gamma * dot(row, x, columns) + coef0);
    default:
      return dot(row, x, columns);
  }
}

Result<SupportVectors> support_vectors(const Node& node, const std::string& rows, std::int64_t count) {
  SupportVectors vectors;
  ADZE_TRY(vectors.kernel, kernel_of(node));
  const std::vector<float> params = node.attributes.reals("kernel_params");
  if (!params.empty() && params.size() != 3) {
    return make_error(Code::invalid_model, "kernel_params has ", params.size(), " entries, not 3");
  }
  if (!params.empty()) {
    vectors.gamma = static_cast<double>(params[0]);
    vectors.coef0 = static_cast<double>(params[1]);
    vectors.degree = std::trunc(static_cast<double>(params[2]));
  }
  vectors.rows = node.attributes.reals(rows);
  vectors.count = count;
  const auto size = static_cast<std::int64_t>(vectors.rows.size());
  if (size == 0 || size % count != 0) {
    return make_error(Code::invalid_model, rows, " has ", size, " entries, not ", count, " rows");
  }
  vectors.columns = size / count;
  return vectors;
}

Result<FeatureRows> rows_for(const SupportVectors& vectors, const TensorInfo& input) {
  ADZE_TRY(const FeatureRows rows, feature_rows(input));
  if (rows.columns == vectors.columns) return rows;
  return make_error(Code::invalid_model, "vectors of ", vectors.columns, " features don't fit ", rows.columns,
                    " columns");
}

Step svm_step(Step step, const FeatureRows& rows, std::int64_t vectors, std::size_t scratch) {
  const std::int64_t weights = vectors * rows.columns;
  step.max_parts = row_parts(rows.rows, weights);
  step.scratch_bytes = scratch * sizeof(double);
  step.flops = 2.0 * static_cast<double>(rows.rows) * static_cast<double>(weights);
  return step;
}

void couple_pairs(std::int64_t k, const double* pairs, double* scratch, double* p) {
  double *q = scratch, *qp = scratch + k * k;
  for (std::int64_t t = 0; t < k; t++) {
    p[t] = 1 / static_cast<double>(k);
    double& diagonal = q[t * k + t] = 0;
    for (std::int64_t j = 0; j < k; j++) {
      if (j == t) continue;
      diagonal += pairs[j * k + t] * pairs[j * k + t];
      q[t * k + j] = -pairs[j * k + t] * pairs[t * k + j];
    }
  }
  const double close = 0.005 / static_cast<double>(k);
  for (std::int64_t iteration = 0; iteration < std::max<std::int64_t>(100, k); iteration++) {
    double pqp = 0, error = 0;
    for (std::int64_t t = 0; t < k; t++) {
      qp[t] = 0;
      for (std::int64_t j = 0; j < k; j++) qp[t] += q[t * k + j] * p[j];
      pqp += p[t] * qp[t];
    }
    for (std::int64_t t = 0; t < k; t++) error = std::max(error, std::abs(qp[t] - pqp));
    if (error < close) return;
    for (std::int64_t t = 0; t < k; t++) {
      const double step = (pqp - qp[t]) / q[t * k + t], norm = 1 + step;
      p[t] += step;
      pqp = (pqp + step * (step * q[t * k + t] + 2 * qp[t])) / (norm * norm);
      for (std::int64_t j = 0; j < k; j++) {
        qp[j] = (qp[j] + step * q[t * k + j]) / norm;
        p[j] /= norm;
      }
    }
  }
}

}  // namespace adze
