// Operators that place, count or select by index: Scatter*, OneHot, Trilu, CumSum, ReverseSequence, Compress, Unique,
// NonMaxSuppression.
#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

std::vector<float> values(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }
std::vector<std::int64_t> whole(const Tensor& t) { return t.to_ints(); }
using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

TEST(Scatter, ElementsWithEveryReduction) {
  const Tensor data = tensor({1, 3}, {1, 2, 3}), updates = tensor({1, 3}, {10, 20, 30});
  const Tensor at = Tensor::from<std::int64_t>({1, 3}, std::vector<std::int64_t>{0, -1, 0});
  const auto with = [&](const std::string& reduction) {
    return values(
        run_op("ScatterElements", 18, {{"axis", std::int64_t{1}}, {"reduction", reduction}}, {data, at, updates}));
  };
  EXPECT_EQ(with("none"), (Floats{30, 2, 20}));
  EXPECT_EQ(with("add"), (Floats{41, 2, 23}));
  EXPECT_EQ(with("mul"), (Floats{300, 2, 60}));
  EXPECT_EQ(with("max"), (Floats{30, 2, 20}));
  EXPECT_EQ(with("min"), (Floats{1, 2, 3}));
  const Tensor wrong = Tensor::from<std::int64_t>({1, 3}, std::vector<std::int64_t>{0, 3, 0});
  EXPECT_FALSE(try_op("ScatterElements", 18, {{"axis", std::int64_t{1}}}, {data, wrong, updates}));
  EXPECT_FALSE(try_op("ScatterElements", 18, {{"reduction", std::string("sum")}}, {data, at, updates}));
}

TEST(Scatter, NdReplacesWholeRows) {
  const Tensor rows = Tensor::from<std::int64_t>({2, 1}, std::vector<std::int64_t>{2, -3});
  EXPECT_EQ(
      values(run_op("ScatterND", 18, {}, {tensor({3, 2}, {1, 2, 3, 4, 5, 6}), rows, tensor({2, 2}, {7, 8, 9, 0})})),
      (Floats{9, 0, 3, 4, 7, 8}));
  EXPECT_FALSE(try_op("ScatterND", 18, {}, {tensor({3, 2}, {1, 2, 3, 4, 5, 6}), rows, tensor({2, 1}, {7, 8})}));
}

TEST(Scatter, CacheWrapsAroundWhenCircular) {
  const Tensor cache = tensor({1, 3, 1}, {1, 2, 3}), update = tensor({1, 2, 1}, {8, 9});
  const AttributeList circular = {{"mode", std::string("circular")}};
  EXPECT_EQ(values(run_op("TensorScatter", 24, circular, {cache, update, ints({2})})), (Floats{9, 2, 8}));
  EXPECT_FALSE(try_op("TensorScatter", 24, {}, {cache, update, ints({2})}));
}

TEST(OneHot, CountsFromTheEndAndIgnoresWhatIsOutside) {
  EXPECT_EQ(values(run_op("OneHot", 11, {}, {ints({1, -1, 7}), ints({3}), tensor({2}, {-1, 5})})),
            (Floats{-1, 5, -1, -1, -1, 5, -1, -1, -1}));
  EXPECT_EQ(values(run_op("OneHot", 11, {{"axis", std::int64_t{0}}}, {ints({1, 0}), ints({2}), tensor({2}, {0, 1})})),
            (Floats{0, 1, 1, 0}));
}

TEST(Trilu, KeepsATriangle) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto k = [](std::int64_t v) { return Tensor::from<std::int64_t>({}, std::span(&v, 1)); };
  EXPECT_EQ(values(run_op("Trilu", 14, {}, {x})), (Floats{1, 2, 3, 0, 5, 6}));
  EXPECT_EQ(values(run_op("Trilu", 14, {}, {x, k(1)})), (Floats{0, 2, 3, 0, 0, 6}));
  EXPECT_EQ(values(run_op("Trilu", 14, {{"upper", std::int64_t{0}}}, {x, k(0)})), (Floats{1, 0, 0, 4, 5, 0}));
  EXPECT_EQ(values(run_op("Trilu", 14, {{"upper", std::int64_t{0}}}, {x, k(INT64_MIN)})), (Floats(6, 0)));
}

TEST(Cumulative, SumsAndProducts) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const AttributeList both = {{"exclusive", std::int64_t{1}}, {"reverse", std::int64_t{1}}};
  EXPECT_EQ(values(run_op("CumSum", 14, {}, {x, ints({-1})})), (Floats{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(values(run_op("CumSum", 14, both, {x, ints({1})})), (Floats{5, 3, 0, 11, 6, 0}));
  EXPECT_EQ(values(run_op("CumProd", 26, {}, {x, ints({0})})), (Floats{1, 2, 3, 4, 10, 18}));
  EXPECT_FALSE(try_op("CumSum", 14, {}, {x, ints({2})}));
}

TEST(ReverseSequence, ReversesEachRowsOwnLength) {
  const AttributeList rows = {{"batch_axis", std::int64_t{0}}, {"time_axis", std::int64_t{1}}};
  EXPECT_EQ(values(run_op("ReverseSequence", 10, rows, {tensor({2, 3}, {1, 2, 3, 4, 5, 6}), ints({2, 3})})),
            (Floats{2, 1, 3, 6, 5, 4}));
  EXPECT_FALSE(try_op("ReverseSequence", 10, rows, {tensor({2, 3}, {1, 2, 3, 4, 5, 6}), ints({2, 4})}));
}

TEST(Compress, KeepsWhatIsSelected) {
  const std::unique_ptr<bool[]> flags(new bool[2]{false, true});
  const Tensor condition = Tensor::from<bool>({2}, std::span<const bool>(flags.get(), 2));
  const Tensor x = tensor({3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(values(run_op("Compress", 11, {{"axis", std::int64_t{1}}}, {x, condition})), (Floats{2, 4, 6}));
  EXPECT_EQ(values(run_op("Compress", 11, {{"axis", std::int64_t{0}}}, {x, condition})), (Floats{3, 4}));
  EXPECT_EQ(values(run_op("Compress", 11, {}, {x, condition})), (Floats{2}));
}

TEST(Unique, GivesFirstPlacesInversesAndCounts) {
  const auto sorted = run_op_outputs("Unique", 11, {}, {tensor({5}, {3, 1, 3, 2, 1})}, 4);
  EXPECT_EQ(values(sorted[0]), (Floats{1, 2, 3}));
  EXPECT_EQ(whole(sorted[1]), (Ints{1, 3, 0}));
  EXPECT_EQ(whole(sorted[2]), (Ints{2, 0, 2, 1, 0}));
  EXPECT_EQ(whole(sorted[3]), (Ints{2, 1, 2}));
  const auto placed = run_op_outputs("Unique", 11, {{"sorted", std::int64_t{0}}}, {tensor({5}, {3, 1, 3, 2, 1})}, 4);
  EXPECT_EQ(values(placed[0]), (Floats{3, 1, 2}));
  EXPECT_EQ(whole(placed[2]), (Ints{0, 1, 0, 2, 1}));
}

TEST(NonMaxSuppression, DropsOverlapsAndKeepsTheBoundary) {
  // The second box covers half of the first, the third touches neither.
  const Tensor boxes = tensor({1, 3, 4}, {0, 0, 2, 2, 0, 0, 2, 1, 5, 5, 6, 6});
  const Tensor scores = tensor({1, 1, 3}, {0.9f, 0.8f, 0.7f});
  const auto with = [&](float threshold, std::int64_t most) {
    return whole(run_op("NonMaxSuppression", 11, {}, {boxes, scores, ints({most}), tensor({1}, {threshold})}));
  };
  EXPECT_EQ(with(0.4f, 9), (Ints{0, 0, 0, 0, 0, 2}));
  EXPECT_EQ(with(0.5f, 9), (Ints{0, 0, 0, 0, 0, 1, 0, 0, 2}));  // not above the threshold
  EXPECT_EQ(with(0.5f, 1), (Ints{0, 0, 0}));
  EXPECT_TRUE(whole(run_op("NonMaxSuppression", 11, {}, {boxes, scores})).empty());
}

}  // namespace
}  // namespace adze::testing
