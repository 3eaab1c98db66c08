#include "graph/tree_attributes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "graph/list_length.h"

namespace adze {
namespace {

using Ints = std::vector<std::int64_t>;

Result<std::vector<double>> to_doubles(const Tensor& tensor, std::string_view name) {
  std::vector<double> values;
  if (!(kNumbers & mask_of(tensor.type()))) return make_error(Code::invalid_model, name, " must hold numbers");
  dispatch(tensor.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T value : tensor.as<T>()) {
      if constexpr (sizeof(T) == 2 && !std::is_integral_v<T>) {
        values.push_back(static_cast<double>(static_cast<float>(value)));
      } else {
        values.push_back(static_cast<double>(value));
      }
    }
  });
  return values;
}

Result<std::vector<double>> tensor_values(const Node& node, std::string_view name) {
  const Tensor* tensor = node.attributes.tensor(name);
  return tensor ? to_doubles(*tensor, name) : std::vector<double>();
}

bool is_double(const Node& node, const std::string& name) {
  const Tensor* tensor = node.attributes.tensor(name);
  return tensor && tensor->type() == DType::f64;
}

// A list of one entry per node (or leaf, or vote), as every such attribute must be.
Result<Ints> ints_of(const Node& node, const std::string& name, std::size_t expected) {
  Ints values = node.attributes.integers(name);
  ADZE_CHECK(check_length(name, values.size(), expected));
  return values;
}

Result<void> read_missing(const Node& node, std::vector<TreeSource::Node>& nodes) {
  const std::string name = "nodes_missing_value_tracks_true";
  const Ints values = node.attributes.integers(name);
  if (values.empty()) return {};
  ADZE_CHECK(check_length(name, values.size(), nodes.size()));
  for (std::size_t i = 0; i < nodes.size(); i++) nodes[i].missing_is_true = values[i] != 0;
  return {};
}

Result<TreeMode> mode_of(const std::string& name) {
  constexpr std::string_view kNames[kTreeModes] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                                   "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
  const auto found = std::ranges::find(kNames, name);
  if (found == std::end(kNames) || *found == "BRANCH_MEMBER") {
    return make_error(Code::invalid_model, "a tree node's mode \"", name.substr(0, 32), "\" is not known");
  }
  return static_cast<TreeMode>(found - std::begin(kNames));
}

// Finds nodes by tree and node id.
class NodeIds {
 public:
  NodeIds(const Ints& trees, const Ints& ids) {
    for (std::size_t i = 0; i < trees.size(); i++) entries_.push_back({trees[i], ids[i], static_cast<std::int64_t>(i)});
    std::ranges::sort(entries_);
  }
  Result<void> check_distinct() const {
    for (std::size_t i = 1; i < entries_.size(); i++) {
      const auto& [tree, id, position] = entries_[i];
      if (entries_[i - 1][0] == tree && entries_[i - 1][1] == id) {
        return make_error(Code::invalid_model, "node ", id, " of tree ", tree, " appears twice");
      }
    }
    return {};
  }
  Result<std::int64_t> find(std::int64_t tree, std::int64_t id) const {
    const auto found = std::ranges::lower_bound(entries_, Entry{tree, id, 0});
    if (found == entries_.end() || (*found)[0] != tree || (*found)[1] != id) {
      return make_error(Code::invalid_model, "tree ", tree, " has no node ", id);
    }
    return (*found)[2];
  }
  // The first node that the file lists of each tree, in the file's order.
  Ints roots() const {
    Ints roots;
    for (std::size_t i = 0; i < entries_.size(); i++) {
      if (i == 0 || entries_[i][0] != entries_[i - 1][0]) roots.push_back(entries_[i][2]);
      roots.back() = std::min(roots.back(), entries_[i][2]);
    }
    std::ranges::sort(roots);
    return roots;
  }

 private:
  using Entry = std::array<std::int64_t, 3>;  // tree, id, position
  std::vector<Entry> entries_;
};

}  // namespace

Result<std::vector<double>> reals_or_tensor(const Node& node, const std::string& name) {
  if (node.attributes.tensor(name + "_as_tensor")) return tensor_values(node, name + "_as_tensor");
  const std::vector<float> values = node.attributes.reals(name);
  return std::vector<double>(values.begin(), values.end());
}

Result<TreeSource> read_trees_by_id(const Node& node, const std::string& votes) {
  TreeSource source;
  source.wide = is_double(node, "nodes_values_as_tensor") || is_double(node, votes + "_weights_as_tensor");
  const Ints trees = node.attributes.integers("nodes_treeids");
  const std::size_t n = trees.size();
  ADZE_TRY(const Ints ids, ints_of(node, "nodes_nodeids", n));
  ADZE_TRY(const Ints features, ints_of(node, "nodes_featureids", n));
  ADZE_TRY(const Ints yes, ints_of(node, "nodes_truenodeids", n));
  ADZE_TRY(const Ints no, ints_of(node, "nodes_falsenodeids", n));
  ADZE_TRY(const std::vector<double> thresholds, reals_or_tensor(node, "nodes_values"));
  ADZE_CHECK(check_length("nodes_values", thresholds.size(), n));
  const Attribute* modes = node.attributes.find("nodes_modes");
  ADZE_CHECK(check_length("nodes_modes", modes ? std::get<std::vector<std::string>>(*modes).size() : 0, n));
  const NodeIds by_id(trees, ids);
  ADZE_CHECK(by_id.check_distinct());
  source.nodes.resize(n);
  for (std::size_t i = 0; i < n; i++) {
    TreeSource::Node& entry = source.nodes[i];
    ADZE_TRY(entry.mode, mode_of(std::get<std::vector<std::string>>(*modes)[i]));
    if (entry.mode == TreeMode::leaf) continue;
    entry.feature = features[i];
    entry.threshold = thresholds[i];
    ADZE_TRY(entry.children[0], by_id.find(trees[i], yes[i]));
    ADZE_TRY(entry.children[1], by_id.find(trees[i], no[i]));
  }
  ADZE_CHECK(read_missing(node, source.nodes));
  source.roots = by_id.roots();

  ADZE_TRY(const std::vector<double> weights, reals_or_tensor(node, votes + "_weights"));
  ADZE_TRY(const Ints vote_trees, ints_of(node, votes + "_treeids", weights.size()));
  ADZE_TRY(const Ints vote_nodes, ints_of(node, votes + "_nodeids", weights.size()));
  ADZE_TRY(const Ints targets, ints_of(node, votes + "_ids", weights.size()));
  for (std::size_t i = 0; i < weights.size(); i++) {
    ADZE_TRY(const std::int64_t at, by_id.find(vote_trees[i], vote_nodes[i]));
    source.votes.push_back({at, targets[i], weights[i]});
  }
  return source;
}

namespace {

// A member node's values, each set ended by a NaN, in the order of the nodes.
Result<void> read_members(const Node& node, TreeSource& source) {
  ADZE_TRY(source.members, tensor_values(node, "membership_values"));
  std::size_t at = 0;
  for (TreeSource::Node& entry : source.nodes) {
    if (entry.mode != TreeMode::member) continue;
    entry.first_member = at;
    while (at < source.members.size() && !std::isnan(source.members[at])) at++;
    if (at == source.members.size()) return make_error(Code::invalid_model, "membership_values has too few sets");
    entry.members = at++ - entry.first_member;
  }
  if (at != source.members.size()) return make_error(Code::invalid_model, "membership_values has too many sets");
  return {};
}

// Leaves follow the branches in TreeSource::nodes.
Result<std::int64_t> child_of(std::int64_t id, bool is_leaf, std::size_t branches, std::size_t leaves) {
  const auto limit = static_cast<std::int64_t>(is_leaf ? leaves : branches);
  if (id < 0 || id >= limit) {
    return make_error(Code::invalid_model, "a branch leads to ", is_leaf ? "leaf " : "node ", id, " of ", limit);
  }
  return is_leaf ? id + static_cast<std::int64_t>(branches) : id;
}

}  // namespace

Result<TreeSource> read_trees_by_position(const Node& node) {
  TreeSource source;
  source.wide = is_double(node, "nodes_splits") || is_double(node, "leaf_weights");
  const Ints features = node.attributes.integers("nodes_featureids");
  const std::size_t branches = features.size();
  ADZE_TRY(const Ints yes, ints_of(node, "nodes_truenodeids", branches));
  ADZE_TRY(const Ints no, ints_of(node, "nodes_falsenodeids", branches));
  ADZE_TRY(const Ints yes_leaf, ints_of(node, "nodes_trueleafs", branches));
  ADZE_TRY(const Ints no_leaf, ints_of(node, "nodes_falseleafs", branches));
  ADZE_TRY(const std::vector<double> thresholds, tensor_values(node, "nodes_splits"));
  ADZE_CHECK(check_length("nodes_splits", thresholds.size(), branches));
  ADZE_TRY(const std::vector<double> modes, tensor_values(node, "nodes_modes"));
  ADZE_CHECK(check_length("nodes_modes", modes.size(), branches));
  ADZE_TRY(const std::vector<double> weights, tensor_values(node, "leaf_weights"));
  ADZE_TRY(const Ints targets, ints_of(node, "leaf_targetids", weights.size()));
  source.nodes.resize(branches);
  for (std::size_t i = 0; i < branches; i++) {
    TreeSource::Node& entry = source.nodes[i];
    if (!(modes[i] >= 0 && modes[i] < static_cast<double>(TreeMode::leaf))) {
      return make_error(Code::invalid_model, "nodes_modes of node ", i, " is out of range");
    }
    entry.mode = static_cast<TreeMode>(modes[i]);
    entry.feature = features[i];
    entry.threshold = thresholds[i];
    ADZE_TRY(entry.children[0], child_of(yes[i], yes_leaf[i] != 0, branches, weights.size()));
    ADZE_TRY(entry.children[1], child_of(no[i], no_leaf[i] != 0, branches, weights.size()));
  }
  ADZE_CHECK(read_missing(node, source.nodes));
  ADZE_CHECK(read_members(node, source));
  source.roots = node.attributes.integers("tree_roots");
  for (const std::int64_t root : source.roots) {
    ADZE_TRY([[maybe_unused]] const std::int64_t checked, child_of(root, false, branches, weights.size()));
  }
  for (std::size_t i = 0; i < weights.size(); i++) {
    source.votes.push_back({static_cast<std::int64_t>(branches + i), targets[i], weights[i]});
  }
  source.nodes.resize(branches + weights.size());
  return source;
}

}  // namespace adze
