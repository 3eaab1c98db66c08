// TreeEnsembleClassifier, TreeEnsembleRegressor, TreeEnsemble.
#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"
#include "tests/support/random.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
using Names = std::vector<std::string>;
const float kNan = std::numeric_limits<float>::quiet_NaN();

Floats values(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }
Ints labels(const Tensor& t) { return {t.as<std::int64_t>().begin(), t.as<std::int64_t>().end()}; }

void replace(AttributeList& list, const std::string& name, Attribute value) {
  for (auto& [key, old] : list) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  list.emplace_back(name, std::move(value));
}

AttributeList with(AttributeList list, const std::string& name, Attribute value) {
  replace(list, name, std::move(value));
  return list;
}

// One comparison with 2 on feature 0: 10 where it holds, 20 where it doesn't.
AttributeList stump(const std::string& mode = "BRANCH_LEQ") {
  return {{"nodes_treeids", Ints{0, 0, 0}},      {"nodes_nodeids", Ints{0, 1, 2}},
          {"nodes_featureids", Ints{0, 0, 0}},   {"nodes_modes", Names{mode, "LEAF", "LEAF"}},
          {"nodes_values", Floats{2, 0, 0}},     {"nodes_truenodeids", Ints{1, 0, 0}},
          {"nodes_falsenodeids", Ints{2, 0, 0}}, {"target_treeids", Ints{0, 0}},
          {"target_nodeids", Ints{1, 2}},        {"target_ids", Ints{0, 0}},
          {"target_weights", Floats{10, 20}},    {"n_targets", std::int64_t{1}}};
}

TEST(TreeEnsemble, EveryComparison) {
  const Tensor x = tensor({4, 1}, {1, 2, 3, kNan});
  const std::vector<std::pair<std::string, Floats>> expected = {
      {"BRANCH_LEQ", {10, 10, 20}}, {"BRANCH_LT", {10, 20, 20}}, {"BRANCH_GTE", {20, 10, 10}},
      {"BRANCH_GT", {20, 20, 10}},  {"BRANCH_EQ", {20, 10, 20}}, {"BRANCH_NEQ", {10, 20, 10}}};
  for (const auto& [mode, answers] : expected) {
    for (const std::int64_t missing : {0, 1}) {
      Floats all = answers;
      all.push_back(missing ? 10 : 20);
      const AttributeList attributes = with(stump(mode), "nodes_missing_value_tracks_true", Ints{missing, 0, 0});
      EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 3, attributes, {x})), all) << mode << missing;
    }
  }
}

TEST(TreeEnsemble, EveryInputType) {
  const Floats expected = {10, 20};
  EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 1, stump(),
                          {Tensor::from<std::int32_t>({2, 1}, std::vector<std::int32_t>{2, 3})})),
            expected);
  EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 1, stump(), {Tensor::from<std::int64_t>({2, 1}, Ints{2, 3})})),
            expected);
  // In double, neighbours of the float 2 are told apart, and thresholds may be finer than floats.
  const double above = std::nextafter(2.0, 3.0);
  const Tensor doubles = Tensor::from<double>({2, 1}, std::vector<double>{2, above});
  EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 1, stump(), {doubles})), expected);
  AttributeList fine = stump("BRANCH_LT");
  replace(fine, "nodes_values", Floats{});
  replace(fine, "nodes_values_as_tensor", Tensor::from<double>({3}, std::vector<double>{above, 0, 0}));
  EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 3, fine, {doubles})), expected);
  EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 3, fine, {tensor({2}, {2, 7})})), Floats{10});  // a single row
}

// Two stumps on two features; three targets, the last without a vote.
AttributeList two_stumps(const std::string& aggregate) {
  return {{"nodes_treeids", Ints{4, 4, 4, 9, 9, 9}},
          {"nodes_nodeids", Ints{0, 1, 2, 0, 1, 2}},
          {"nodes_featureids", Ints{0, 0, 0, 1, 0, 0}},
          {"nodes_modes", Names{"BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_GT", "LEAF", "LEAF"}},
          {"nodes_values", Floats{0, 0, 0, 5, 0, 0}},
          {"nodes_truenodeids", Ints{1, 0, 0, 1, 0, 0}},
          {"nodes_falsenodeids", Ints{2, 0, 0, 2, 0, 0}},
          {"target_treeids", Ints{4, 4, 4, 9, 9}},
          {"target_nodeids", Ints{1, 2, 2, 1, 2}},
          {"target_ids", Ints{0, 0, 1, 0, 1}},
          {"target_weights", Floats{1, 2, 3, 4, 5}},
          {"n_targets", std::int64_t{3}},
          {"base_values", Floats{0.5f, 0, 1}},
          {"aggregate_function", aggregate}};
}

TEST(TreeEnsemble, AggregatesAndBaseValues) {
  const Tensor x = tensor({2, 2}, {1, 6, 1, 5});  // votes 0:2 1:3 0:4, and 0:2 1:3 1:5
  const std::vector<std::pair<std::string, Floats>> expected = {{"SUM", {6.5f, 3, 1, 2.5f, 8, 1}},
                                                                {"AVERAGE", {3.5f, 1.5f, 1, 1.5f, 4, 1}},
                                                                {"MIN", {2.5f, 3, 1, 2.5f, 3, 1}},
                                                                {"MAX", {4.5f, 3, 1, 2.5f, 5, 1}}};
  for (const auto& [aggregate, answers] : expected) {
    EXPECT_EQ(values(run_op("TreeEnsembleRegressor", 3, two_stumps(aggregate), {x})), answers) << aggregate;
  }
  EXPECT_FALSE(try_op("TreeEnsembleRegressor", 3, two_stumps("MEDIAN"), {x}));
}

AttributeList classifier(Ints classes, Floats weights, Ints class_labels) {
  AttributeList list = stump();
  std::erase_if(list,
                [](const auto& entry) { return entry.first.starts_with("target_") || entry.first == "n_targets"; });
  list.emplace_back("class_treeids", Ints{0, 0});
  list.emplace_back("class_nodeids", Ints{1, 2});
  list.emplace_back("class_ids", std::move(classes));
  list.emplace_back("class_weights", std::move(weights));
  list.emplace_back("classlabels_int64s", std::move(class_labels));
  return list;
}

TEST(TreeEnsemble, ClassifierWithAScorePerClass) {
  const Tensor x = tensor({2, 1}, {1, 3});
  const auto y = run_op_outputs("TreeEnsembleClassifier", 3, classifier({0, 2}, {0.25f, 0.75f}, {7, 8, 9}), {x}, 2);
  EXPECT_EQ(labels(y[0]), (Ints{7, 9}));
  EXPECT_EQ(values(y[1]), (Floats{0.25f, 0, 0, 0, 0, 0.75f}));
}

TEST(TreeEnsemble, ClassifierWithOneScoreForTwoClasses) {
  const Tensor x = tensor({2, 1}, {1, 3});
  for (const std::int64_t only : {0, 1}) {
    const AttributeList plain = classifier({only, only}, {0.25f, 0.75f}, {7, 8});
    auto y = run_op_outputs("TreeEnsembleClassifier", 3, plain, {x}, 2);
    EXPECT_EQ(labels(y[0]), (Ints{7, 8}));
    EXPECT_EQ(values(y[1]), (Floats{0.75f, 0.25f, 0.25f, 0.75f}));
  }
  AttributeList odds = classifier({0, 0}, {-1, 1}, {7, 8});
  replace(odds, "post_transform", std::string("LOGISTIC"));
  auto y = run_op_outputs("TreeEnsembleClassifier", 3, odds, {x}, 2);
  EXPECT_EQ(labels(y[0]), (Ints{7, 8}));
  EXPECT_NEAR(values(y[1])[1], 1 / (1 + std::exp(1.0f)), 1e-6f);
  EXPECT_NEAR(values(y[1])[0], 1 / (1 + std::exp(-1.0f)), 1e-6f);
  replace(odds, "base_values", Floats{3});
  EXPECT_EQ(labels(run_op_outputs("TreeEnsembleClassifier", 3, odds, {x}, 2)[0]), (Ints{8, 8}));
  // A single label stands for "yes"; 0 is "no".
  y = run_op_outputs("TreeEnsembleClassifier", 3, classifier({0, 0}, {0.25f, 0.75f}, {5}), {x}, 2);
  EXPECT_EQ(labels(y[0]), (Ints{0, 5}));
}

// x <= 11 ? (x in {1.2, 3.7, 8, 9} ? a : b) : (x in {12, 7} ? d : c)
AttributeList membership() {
  return {{"tree_roots", Ints{0}},
          {"nodes_featureids", Ints{0, 0, 0}},
          {"nodes_modes", Tensor::from<std::uint8_t>({3}, std::vector<std::uint8_t>{0, 6, 6})},
          {"nodes_splits", tensor({3}, {11, 232344, kNan})},
          {"nodes_truenodeids", Ints{1, 0, 1}},
          {"nodes_falsenodeids", Ints{2, 2, 3}},
          {"nodes_trueleafs", Ints{0, 1, 1}},
          {"nodes_falseleafs", Ints{0, 1, 1}},
          {"leaf_targetids", Ints{0, 1, 2, 3}},
          {"leaf_weights", tensor({4}, {1, 10, 1000, 100})},
          {"membership_values", tensor({8}, {1.2f, 3.7f, 8, 9, kNan, 12, 7, kNan})},
          {"n_targets", std::int64_t{4}}};
}

TEST(TreeEnsemble, Membership) {
  const Tensor x = tensor({6, 1}, {1.2f, 3.4f, -0.12f, kNan, 12, 7});
  const auto sums = [&](const AttributeList& attributes) {
    const Floats y = values(run_op("TreeEnsemble", 5, attributes, {x}));
    Floats rows;
    for (std::size_t i = 0; i < y.size(); i += 4) rows.push_back(y[i] + y[i + 1] + y[i + 2] + y[i + 3]);
    return rows;
  };
  EXPECT_EQ(sums(membership()), (Floats{1, 1000, 1000, 100, 10, 1000}));
  // A missing value that tracks true: to the left, and there into an empty set.
  AttributeList empty = with(membership(), "membership_values", tensor({4}, {kNan, 12, 7, kNan}));
  replace(empty, "nodes_missing_value_tracks_true", Ints{1, 1, 0});
  EXPECT_EQ(sums(empty), (Floats{1000, 1000, 1000, 1, 10, 1000}));
}

TEST(TreeEnsemble, HalfPrecision) {
  const auto halves = [](const Floats& values) {
    std::vector<Float16> narrow;
    for (const float value : values) narrow.push_back(static_cast<Float16>(value));
    return Tensor::from<Float16>({static_cast<std::int64_t>(values.size()), 1}, narrow);
  };
  AttributeList attributes = with(membership(), "nodes_splits", halves({11, 0, 0}));
  replace(attributes, "leaf_weights", halves({1, 10, 1000, 100}));
  const Tensor y = run_op("TreeEnsemble", 5, attributes, {halves({8, 7, 12, 13})});
  Floats sums(4);
  for (std::size_t i = 0; i < 16; i++) sums[i / 4] += static_cast<float>(y.as<Float16>()[i]);
  EXPECT_EQ(sums, (Floats{1, 1000, 10, 100}));
}

// An ensemble of random shape, and a walk over its own lists as a reference.
struct RandomTrees {
  Ints trees, ids, features, yes, no, weight_trees, weight_ids, targets;
  Names modes;
  Floats thresholds, weights;
  Ints roots;

  explicit RandomTrees(int count) {
    for (int tree = 0; tree < count; tree++) {
      roots.push_back(static_cast<std::int64_t>(ids.size()));
      grow(tree, 0);
    }
  }
  std::int64_t grow(std::int64_t tree, int depth) {
    const std::size_t at = ids.size();
    const bool leaf = depth > 0 && random_.below(10) <= depth;
    trees.push_back(tree);
    ids.push_back(static_cast<std::int64_t>(at) - roots.back());
    features.push_back(random_.below(3));
    modes.push_back(leaf ? "LEAF" : "BRANCH_LEQ");
    thresholds.push_back(static_cast<float>(random_.below(16)));
    yes.push_back(0);
    no.push_back(0);
    if (leaf) {
      for (std::int64_t target = 0; target < 2; target++) {
        weight_trees.push_back(tree);
        weight_ids.push_back(ids[at]);
        targets.push_back(target);
        weights.push_back(static_cast<float>(random_.below(100)));
      }
    } else {
      yes[at] = grow(tree, depth + 1);
      no[at] = grow(tree, depth + 1);
    }
    return ids[at];
  }
  AttributeList attributes() const {
    return {{"nodes_treeids", trees},   {"nodes_nodeids", ids},           {"nodes_featureids", features},
            {"nodes_modes", modes},     {"nodes_values", thresholds},     {"nodes_truenodeids", yes},
            {"nodes_falsenodeids", no}, {"target_treeids", weight_trees}, {"target_nodeids", weight_ids},
            {"target_ids", targets},    {"target_weights", weights},      {"n_targets", std::int64_t{2}}};
  }
  float expected(const float* row, std::int64_t target) const {
    float sum = 0;
    for (const std::int64_t root : roots) {
      auto at = static_cast<std::size_t>(root);
      while (modes[at] != "LEAF") {
        const bool holds = row[features[at]] <= thresholds[at];
        at = static_cast<std::size_t>(root + (holds ? yes[at] : no[at]));
      }
      for (std::size_t i = 0; i < weights.size(); i++) {
        if (weight_trees[i] == trees[at] && weight_ids[i] == ids[at] && targets[i] == target) sum += weights[i];
      }
    }
    return sum;
  }

 private:
  Random random_{7};
};

TEST(TreeEnsemble, RandomTreesHoweverTheRowsAreShared) {
  const RandomTrees trees(12);
  Random random(3);
  Floats x;
  for (int i = 0; i < 21 * 3; i++) x.push_back(static_cast<float>(random.below(16)));
  for (const int parts : {1, 2, 5}) {
    EvaluateOptions options;
    options.parts = parts;
    const Floats y = values(run_op("TreeEnsembleRegressor", 3, trees.attributes(), {tensor({21, 3}, x)}, options));
    for (std::size_t i = 0; i < y.size(); i++) {
      EXPECT_EQ(y[i], trees.expected(x.data() + i / 2 * 3, static_cast<std::int64_t>(i % 2))) << i << " of " << parts;
    }
  }
}

TEST(TreeEnsemble, HostileEnsemblesById) {
  const Tensor x = tensor({1, 1}, {1});
  const auto refused = [&](const AttributeList& attributes, const std::string& part) {
    const auto result = try_op("TreeEnsembleRegressor", 3, attributes, {x});
    ASSERT_FALSE(result) << part;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  refused(with(stump(), "nodes_truenodeids", Ints{0, 0, 0}), "its own child");
  AttributeList loop = with(stump(), "nodes_modes", Names{"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"});
  replace(loop, "nodes_falsenodeids", Ints{2, 2, 0});
  refused(loop, "its own child");  // node 1's true child is node 0
  refused(with(stump(), "nodes_truenodeids", Ints{3, 0, 0}), "no node 3");
  refused(with(stump(), "nodes_nodeids", Ints{0, 1, 1}), "appears twice");
  refused(with(stump(), "nodes_featureids", Ints{-1, 0, 0}), "feature -1");
  refused(with(stump(), "nodes_featureids", Ints{1, 0, 0}), "feature 1 of 1");
  refused(with(stump(), "nodes_featureids", Ints{0, 0}), "nodes_featureids has 2 entries, not 3");
  refused(with(stump(), "nodes_modes", Names{"BRANCH", "LEAF", "LEAF"}), "mode");
  refused(with(stump(), "nodes_values", Floats{kNan, 0, 0}), "NaN");
  refused(with(stump(), "nodes_missing_value_tracks_true", Ints{1}), "1 entries");
  refused(with(stump(), "target_ids", Ints{0, 1}), "target 1 of 1");
  refused(with(stump(), "target_ids", Ints{0, -1}), "target -1");
  refused(with(stump(), "target_nodeids", Ints{1, 7}), "no node 7");
  refused(with(stump(), "target_treeids", Ints{0}), "target_treeids has 1");
  refused(with(stump(), "base_values", Floats{1, 2}), "base_values");
  AttributeList nothing = stump();
  for (auto& [name, value] : nothing) {
    if (auto* list = std::get_if<Ints>(&value)) list->clear();
    if (auto* list = std::get_if<Floats>(&value)) list->clear();
    if (auto* list = std::get_if<Names>(&value)) list->clear();
  }
  refused(nothing, "no tree");
  EXPECT_FALSE(try_op("TreeEnsembleClassifier", 3, classifier({0, 3}, {1, 1}, {7, 8, 9}), {x}, 2));
  EXPECT_FALSE(try_op("TreeEnsembleClassifier", 3, classifier({0, 0}, {1, 1}, {}), {x}, 2));
}

TEST(TreeEnsemble, HostileEnsemblesByPosition) {
  const Tensor x = tensor({1, 1}, {1});
  const auto refused = [&](const std::string& name, Attribute value, const std::string& part) {
    const auto result = try_op("TreeEnsemble", 5, with(membership(), name, std::move(value)), {x});
    ASSERT_FALSE(result) << part;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  };
  refused("tree_roots", Ints{3}, "node 3 of 3");
  refused("tree_roots", Ints{}, "no tree");
  refused("nodes_truenodeids", Ints{0, 0, 1}, "its own child");
  refused("nodes_truenodeids", Ints{-1, 0, 1}, "node -1");
  refused("nodes_falsenodeids", Ints{2, 4, 3}, "leaf 4 of 4");
  refused("nodes_modes", Tensor::from<std::uint8_t>({3}, std::vector<std::uint8_t>{0, 7, 6}), "nodes_modes");
  refused("membership_values", tensor({1}, {kNan}), "too few");
  refused("membership_values", tensor({3}, {kNan, kNan, kNan}), "too many");
  refused("leaf_targetids", Ints{0, 1, 2, 4}, "target 4 of 4");
  refused("leaf_targetids", Ints{0, 1}, "leaf_targetids has 2");
}

// A chain as deep as it is long must not take the stack with it.
TEST(TreeEnsemble, VeryDeepTrees) {
  constexpr std::int64_t kDepth = 200000;
  AttributeList deep = membership();
  Ints zeros(kDepth, 0), ones(kDepth, 1), next, leaves = zeros;
  for (std::int64_t i = 0; i < kDepth; i++) next.push_back(i + 1);
  next.back() = 1;
  leaves.back() = 1;
  replace(deep, "nodes_featureids", zeros);
  replace(deep, "nodes_modes", Tensor::allocate(DType::u8, {kDepth}).tensor);
  replace(deep, "nodes_splits", Tensor::allocate(DType::f32, {kDepth}).tensor);
  replace(deep, "nodes_truenodeids", next);
  replace(deep, "nodes_trueleafs", leaves);
  replace(deep, "nodes_falsenodeids", zeros);
  replace(deep, "nodes_falseleafs", ones);
  replace(deep, "membership_values", Tensor::allocate(DType::f32, {0}).tensor);
  EXPECT_EQ(values(run_op("TreeEnsemble", 5, deep, {tensor({1, 1}, {-1})})), (Floats{0, 10, 0, 0}));
}

}  // namespace
}  // namespace adze::testing
