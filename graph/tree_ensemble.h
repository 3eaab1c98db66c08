// Ensembles of decision trees: from a file's description, which is checked here, to the form that is evaluated
// (graph/tree_layout.h).
#pragma once

#include <cstdint>
#include <vector>

#include "graph/core/result.h"
#include "graph/core/tensor.h"

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

}  // namespace adze
