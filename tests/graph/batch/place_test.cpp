#include "graph/batch/place.h"

#include <gtest/gtest.h>

namespace adze {
namespace {

using Places = std::vector<BatchPlace>;

TEST(BatchPlace, EveryAxisThatKeepsTheOrder) {
  EXPECT_EQ(places_before({1, 3, 4}, 1), (Places{{0, 1}, {1, 1}}));
  EXPECT_EQ(places_before({3, 1, 4}, 3), (Places{{0, 3}, {1, 1}, {2, 1}}));
  EXPECT_EQ(places_before({5, 8}, 5), (Places{{0, 5}, {1, 1}}));
  EXPECT_EQ(places_before({4, 6}, 24), (Places{{1, 6}}));
  EXPECT_EQ(places_before({4, 6}, 8), (Places{{1, 2}}));
}

TEST(BatchPlace, NoneWhereRowsWouldInterleave) {
  EXPECT_TRUE(places_before({4, 6}, 6).empty());
  EXPECT_TRUE(places_before({}, 1).empty());
  EXPECT_EQ(places_before({0, 6}, 1), (Places{{0, 1}}));
}

TEST(BatchPlace, ShapeOfABatch) {
  EXPECT_EQ(batch_shape({5, 8}, {0, 5}, 3), Shape({15, 8}));
  EXPECT_EQ(before({5, 8}, {1, 2}), 10);
  EXPECT_FALSE(batch_shape({4, 2}, {0, 1}, std::int64_t{1} << 62));
}

}  // namespace
}  // namespace adze
