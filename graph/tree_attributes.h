// From the attributes of TreeEnsembleClassifier and -Regressor (nodes and leaves in one list, found by tree and node
// id) and of TreeEnsemble (branches and leaves apart, found by position) to one description of trees.
#pragma once

#include <vector>

#include "graph/op.h"
#include "graph/tree_ensemble.h"

namespace adze {

// `votes` is what the names of the weights' attributes begin with: "class" or "target".
Result<TreeSource> read_trees_by_id(const Node& node, const std::string& votes);
Result<TreeSource> read_trees_by_position(const Node& node);

// The attribute NAME, or NAME_as_tensor, as doubles; empty where there is neither.
Result<std::vector<double>> reals_or_tensor(const Node& node, const std::string& name);

}  // namespace adze
