#include "graph/classifier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace adze {
namespace {

constexpr std::string_view kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};

// Scores of about 0 stand for classes that can't be, and stay 0 beside those of at least exp(-max).
constexpr double kAboutZero = 1e-7;

void softmax(std::span<double> scores, bool keep_zeros) {
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) {
    s = keep_zeros && std::abs(s) <= kAboutZero ? s * std::exp(-top) : std::exp(s - top);
    sum += s;
  }
  for (double& s : scores) s = sum == 0 ? 0.5 : s / sum;
}

// The quantile of the normal distribution through the inverse of erf by S. Winitzki, "A handy approximation for the
// error function and its inverse": what the models were made for, rather than the exact one.
double probit(double p) {
  constexpr double a = 0.147;
  const double x = 2 * p - 1, log = std::log(1 - x * x);
  if (x * x == 1) return 0;
  const double half = 2 / (std::numbers::pi * a) + log / 2;
  return std::copysign(std::numbers::sqrt2 * std::sqrt(std::sqrt(half * half - log / a) - half), x);
}

}  // namespace

Result<PostTransform> post_transform_of(const Node& node) {
  const std::string name = node.attributes.string("post_transform", "NONE");
  const auto found = std::ranges::find(kTransforms, name);
  if (found == std::end(kTransforms))
    return make_error(Code::unsupported, "post_transform \"", name, "\" is not known");
  return static_cast<PostTransform>(found - std::begin(kTransforms));
}

double logistic(double x) {
  const double y = 1 / (1 + std::exp(-std::abs(x)));
  return x < 0 ? 1 - y : y;
}

void apply(PostTransform transform, std::span<double> scores) {
  if (scores.empty()) return;
  switch (transform) {
    case PostTransform::none:
      break;
    case PostTransform::softmax:
      softmax(scores, false);
      break;
    case PostTransform::logistic:
      for (double& s : scores) s = logistic(s);
      break;
    case PostTransform::softmax_zero:
      softmax(scores, true);
      break;
    case PostTransform::probit:
      for (double& s : scores) s = probit(s);
      break;
  }
}

Result<ClassLabels> class_labels(const Node& node) {
  ClassLabels labels;
  for (const char* name : {"classlabels_ints", "classlabels_int64s"}) {
    if (labels.values.empty()) labels.values = node.attributes.integers(name);
  }
  const Attribute* text = node.attributes.find("classlabels_strings");
  const std::size_t texts = text ? std::get<std::vector<std::string>>(*text).size() : 0;
  if (labels.values.empty() == (texts == 0)) {
    return make_error(Code::invalid_model, "needs class labels, either numbers or text");
  }
  labels.count = static_cast<std::int64_t>(std::max(labels.values.size(), texts));
  return labels;
}

DType classifier_type(const Node& node, std::span<const DType>, int i) {
  if (i > 0) return DType::f32;
  const auto labels = class_labels(node);
  return labels && labels->values.empty() ? DType::string : DType::i64;
}

void set_classifier_shapes(InferContext& context, std::int64_t rows, std::int64_t columns) {
  context.set_shape(0, {rows});
  context.set_shape(1, {rows, columns});
}

Result<ClassWriter> ClassWriter::make(const PrepareContext& context) {
  ADZE_TRY(ClassLabels labels, class_labels(context.node));
  ClassWriter writer;
  writer.classes_ = labels.count;
  writer.labels_ = std::move(labels.values);
  if (writer.labels_.size() == 1) writer.labels_.insert(writer.labels_.begin(), 0);
  if (!context.wants_output(0)) writer.labels_.clear();
  ADZE_TRY(writer.transform_, post_transform_of(context.node));
  writer.scores_ = context.wants_output(1);
  return writer;
}

void ClassWriter::write(const Call& call, std::int64_t row, std::size_t winner, std::span<double> scores) const {
  if (!labels_.empty()) call.out<std::int64_t>(0)[row] = labels_[winner];
  if (!scores_) return;
  apply(transform_, scores);
  float* dst = call.out(1) + row * static_cast<std::int64_t>(scores.size());
  for (std::size_t i = 0; i < scores.size(); i++) dst[i] = static_cast<float>(scores[i]);
}

std::size_t first_greatest(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace adze
