// Ensembles of decision trees, in the form that is evaluated: all nodes in one array, each tree in the order of a walk
// that goes down its true branches first, and every comparison a mask over "less, equal, greater, missing".
//
// A leaf points at itself, so that several rows can go down a tree in step, each as deep as it needs to.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/core/result.h"
#include "graph/core/tensor.h"
#include "graph/feature_rows.h"

namespace adze {

// Numbered as TreeEnsemble's attribute nodes_modes.
enum class TreeMode : std::uint8_t { leq, lt, gte, gt, eq, neq, member, leaf };
constexpr int kTreeModes = 8;

// Trees as a file describes them. Nothing in it is trusted.
struct TreeSource {
  struct Node {
    TreeMode mode = TreeMode::leaf;
    bool missing_is_true = false;
    std::int64_t feature = 0;
    double threshold = 0;
    std::int64_t children[2] = {};              // true, false
    std::size_t first_member = 0, members = 0;  // of `members`, for TreeMode::member
  };
  struct Vote {
    std::int64_t node, target;
    double weight;
  };
  std::vector<Node> nodes;
  std::vector<double> members;
  std::vector<std::int64_t> roots;
  std::vector<Vote> votes;  // those of nodes that are no leaves don't count
  bool wide = false;        // thresholds or weights don't fit floats
};

// The evaluated form as bytes, a tensor of u8. Error where the source is not a set of trees: a node outside it, a cycle
// (a node may be reached twice), a feature or target out of range, a threshold that is NaN.
Result<Tensor> condense_trees(const TreeSource& source, std::int64_t targets);

// How many columns the rows must have at least.
std::int64_t features_of(const Tensor& trees);

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
