// Reshapes between channels-last operators: axes that split or merge keep the layout.
#include <gtest/gtest.h>

#include "graph/passes/axis_groups.h"
#include "tests/support/model_builder.h"
#include "tests/support/passes_runner.h"

namespace adze::testing {
namespace {

// A convolution, what `between` makes of its result "a", and a convolution of that result, "b".
class Chain : public ModelBuilder {
 public:
  Chain() {
    input("x", {2, 8, 5, 6}).output("y");
    conv("x", "a");
  }
  Chain& conv(const std::string& from, const std::string& to) {
    initializer(to + ".w", random_tensor({8, 8, 1, 1}, 3));
    node("Conv", {from, to + ".w"}, {to});
    return *this;
  }
  Chain& reshape(const std::string& from, const std::string& to, const std::vector<std::int64_t>& shape) {
    initializer(to + ".shape", Tensor::from_ints(shape));
    node("Reshape", {from, to + ".shape"}, {to});
    return *this;
  }
  Chain& transpose(const std::string& from, const std::string& to, std::initializer_list<std::int64_t> perm) {
    set(node("Transpose", {from}, {to}), "perm", perm);
    return *this;
  }
};

std::string steps(const ModelBuilder& m) { return expect_passes_agree(m.serialized()).steps; }

TEST(Reshape, AShuffleOfChannelsIsOneTranspose) {
  Chain m;
  m.reshape("a", "split", {0, 2, 4, 5, 6}).transpose("split", "swapped", {0, 2, 1, 3, 4});
  m.reshape("swapped", "b", {0, 8, 5, 6}).conv("b", "y");
  EXPECT_EQ(steps(m), "Transpose Conv Transpose Conv Transpose");
}

TEST(Reshape, PixelsThatBecomeTokensKeepTheLayout) {
  Chain m;
  m.reshape("a", "tokens", {0, 8, -1}).transpose("tokens", "y", {0, 2, 1});
  EXPECT_EQ(steps(m), "Transpose Conv");
  Chain back;
  back.reshape("a", "tokens", {0, 8, -1}).transpose("tokens", "rows", {0, 2, 1}).node("Relu", {"rows"}, {"active"});
  back.transpose("active", "columns", {0, 2, 1}).reshape("columns", "b", {0, 8, 5, 6}).conv("b", "y");
  EXPECT_EQ(steps(back), "Transpose Conv Relu Conv Transpose");
}

TEST(Reshape, AxesThatMixNeedTheFilesOrder) {
  Chain m;
  m.reshape("a", "b", {0, 8, 6, 5}).conv("b", "y");
  EXPECT_EQ(steps(m), "Transpose Conv Transpose Transpose Conv Transpose");
  Chain across;  // channels with rows
  across.reshape("a", "merged", {0, 40, 6}).reshape("merged", "b", {0, 8, 5, 6}).conv("b", "y");
  expect_passes_agree(across.serialized());
}

using Groups = std::vector<AxisGroup>;

void expect_groups(const Shape& from, const Shape& to, const std::vector<std::vector<int>>& want) {
  const auto groups = axis_groups(from, to);
  ASSERT_TRUE(groups) << to_string(from) << " to " << to_string(to);
  std::vector<std::vector<int>> got;
  for (const AxisGroup& g : *groups) got.push_back({g.from, g.count, g.to, g.to_count});
  EXPECT_EQ(got, want) << to_string(from) << " to " << to_string(to);
}

TEST(AxisGroups, SplitAndMerge) {
  expect_groups({2, 12, 5}, {2, 3, 4, 5}, {{0, 1, 0, 1}, {1, 1, 1, 2}, {2, 1, 3, 1}});
  expect_groups({2, 3, 4, 5}, {2, 12, 5}, {{0, 1, 0, 1}, {1, 2, 1, 1}, {3, 1, 2, 1}});
  expect_groups({1, 7}, {1, 7}, {{0, 1, 0, 1}, {1, 1, 1, 1}});
  EXPECT_FALSE(axis_groups({4, 6}, {6, 4}));
  EXPECT_FALSE(axis_groups({4, 6}, {4, 6, 1}));
  EXPECT_FALSE(axis_groups({0, 6}, {0, 2, 3, 1}));
  EXPECT_FALSE(axis_groups({6, 4}, {4, 3, 2}));
}

}  // namespace
}  // namespace adze::testing
