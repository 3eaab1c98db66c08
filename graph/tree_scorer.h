// Evaluates ensembles of decision trees.
#pragma once

#include <vector>

#include "graph/core/tensor.h"
#include "graph/feature_rows.h"

namespace adze {

// Numbered as TreeEnsemble's attribute aggregate_function.
enum class Aggregate { average, sum, min, max };

// Scores of rows, in double: a target's votes taken together, plus its base value.
class TreeScorer {
 public:
  static constexpr int kBlock = 8;  // rows that go down a tree together

  // REQUIRES: `trees` by condense_trees for that many targets; `base` has that many values, or one for all, or none.
  TreeScorer(Tensor trees, std::int64_t targets, Aggregate aggregate, std::vector<double> base);

  std::size_t scratch_bytes(const FeatureRows& input) const;
  std::int64_t cost_per_row() const;
  // The scores of rows [first, first + n), one row after the other, somewhere in call.scratch. REQUIRES: n <= kBlock
  double* score(const FeatureRows& input, const Call& call, std::int64_t first, int n) const;

 private:
  template <class T, class X>
  void descend(const X* const* rows, int n, double* scores) const;
  void start(double* scores, int n) const;
  void finish(double* scores, int n) const;

  Tensor trees_;
  std::int64_t targets_;
  Aggregate aggregate_;
  std::vector<double> base_;
};

}  // namespace adze
