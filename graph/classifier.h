// What the classifiers and regressors of ai.onnx.ml share: the transform of their scores, and labels for classes.
#pragma once

#include <span>
#include <vector>

#include "graph/op.h"

namespace adze {

// Numbered as TreeEnsemble's attribute post_transform.
enum class PostTransform { none, softmax, logistic, softmax_zero, probit };

// The string attribute "post_transform".
Result<PostTransform> post_transform_of(const Node& node);
// Transforms one row's scores in place.
void apply(PostTransform transform, std::span<double> scores);
double logistic(double x);

// The attribute that carries class labels: classlabels_ints, _int64s or _strings.
struct ClassLabels {
  std::vector<std::int64_t> values;  // empty where they are text
  std::int64_t count = 0;
};
// Error where there is none, or more than one.
Result<ClassLabels> class_labels(const Node& node);
// OpDef::output_type: labels (int64, or string, which is good for nothing but being left unused) and float scores.
DType classifier_type(const Node& node, std::span<const DType> inputs, int i);
void set_classifier_shapes(InferContext& context, std::int64_t rows, std::int64_t columns);

// Writes a row's label and scores.
class ClassWriter {
 public:
  // A single label is what a positive answer gives; 0 is the other.
  static Result<ClassWriter> make(const PrepareContext& context);

  std::int64_t classes() const { return classes_; }
  PostTransform transform() const { return transform_; }
  // `winner` counts among the labels, of which there are always two at least. Transforms `scores` in place.
  void write(const Call& call, std::int64_t row, std::size_t winner, std::span<double> scores) const;

 private:
  std::vector<std::int64_t> labels_;  // empty: not to be written
  std::int64_t classes_ = 0;
  PostTransform transform_ = PostTransform::none;
  bool scores_ = false;
};

// The first of the greatest. REQUIRES: there is one.
std::size_t first_greatest(std::span<const double> values);

}  // namespace adze
