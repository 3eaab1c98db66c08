#include "bench/kernels/verdict.h"

#include <gtest/gtest.h>

namespace adze::bench {
namespace {

Duel duel(std::vector<double> chosen, std::vector<double> other) {
  return {"conv_f32", "model/layer", "avx512", "avx2", std::move(chosen), std::move(other)};
}

TEST(Verdict, RatioIsTheMedianOfTheRounds) {
  // The medians of each row alone would give 2 / 3.
  EXPECT_DOUBLE_EQ(ratio(duel({1, 2, 8}, {2, 8, 3})), 0.5);
  EXPECT_DOUBLE_EQ(ratio(duel({1, 3}, {1, 1})), 2);
  EXPECT_DOUBLE_EQ(ratio(duel({3}, {2})), 1.5);
}

TEST(Verdict, LosesByMoreThanFivePercent) {
  EXPECT_FALSE(lost(duel({1.04, 1.04, 9}, {1, 1, 1})));
  EXPECT_TRUE(lost(duel({1.06, 1.06, 0.1}, {1, 1, 1})));
  EXPECT_FALSE(lost(duel({1}, {1})));
}

TEST(Verdict, PrintsBothWaysAndTheLoss) {
  const Duel won = duel({1e-6}, {2e-6}), beaten = duel({3e-6}, {2e-6});
  for (const char* part : {"conv_f32", "model/layer", "avx512", "1.0", "avx2", "2.0", "0.500"})
    EXPECT_NE(line(won).find(part), std::string::npos) << part << " in " << line(won);
  EXPECT_EQ(line(won).find("LOST"), std::string::npos);
  EXPECT_NE(line(beaten).find("1.500  LOST"), std::string::npos) << line(beaten);
  EXPECT_EQ(heading().size(), line(won).size());
}

TEST(Verdict, SummaryCounts) {
  const Duel duels[] = {duel({1}, {2}), duel({2}, {1}), duel({1}, {1})};
  EXPECT_EQ(summary(duels), "3 pairs, 1 lost by more than 5 %");
  EXPECT_EQ(summary({}), "0 pairs, 0 lost by more than 5 %");
}

}  // namespace
}  // namespace adze::bench
