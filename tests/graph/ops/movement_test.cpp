// Operators that move elements or shapes: the behaviours that trip engines, and shapes that attack.
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

std::vector<float> floats(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }
Tensor iota(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  std::iota(values.begin(), values.end(), 0.0f);
  return tensor(shape, values);
}
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max(),
                       kLeast = std::numeric_limits<std::int64_t>::min();

TEST(Transpose, EveryPermutationOfThreeAxes) {
  const Tensor x = iota({2, 3, 5});
  std::vector<std::int64_t> perm = {0, 1, 2};
  do {
    const Tensor y = run_op("Transpose", 13, {{"perm", perm}}, {x}, {active_isa(), 2});
    const std::vector<int> ints(perm.begin(), perm.end());
    const Tensor want = transposed(x, ints);
    EXPECT_EQ(y.shape(), want.shape());
    EXPECT_EQ(floats(y), floats(want));
  } while (std::next_permutation(perm.begin(), perm.end()));
  EXPECT_EQ(run_op("Transpose", 13, {}, {x}).shape(), (Shape{5, 3, 2}));
  EXPECT_FALSE(try_op("Transpose", 13, {{"perm", std::vector<std::int64_t>{0, 0, 1}}}, {x}));
  EXPECT_FALSE(try_op("Transpose", 13, {{"perm", std::vector<std::int64_t>{0, 1}}}, {x}));
}

TEST(Transpose, LargePlanesInTiles) {
  const Tensor x = iota({3, 70, 65});
  const Tensor y = run_op("Transpose", 13, {{"perm", std::vector<std::int64_t>{0, 2, 1}}}, {x});
  const std::vector<int> perm = {0, 2, 1};
  EXPECT_EQ(floats(y), floats(transposed(x, perm)));
}

TEST(Slice, SentinelsNegativeStepsAndClamping) {
  const Tensor x = iota({10});
  const auto slice = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
    return floats(run_op("Slice", 13, {}, {x, ints({start}), ints({end}), ints({0}), ints({step})}));
  };
  EXPECT_EQ(slice(2, 5, 1), (std::vector<float>{2, 3, 4}));
  EXPECT_EQ(slice(-3, kMost, 1), (std::vector<float>{7, 8, 9}));
  EXPECT_EQ(slice(kMost, kLeast, -4), (std::vector<float>{9, 5, 1}));
  EXPECT_EQ(slice(-1, -11, -3), (std::vector<float>{9, 6, 3, 0}));
  EXPECT_EQ(slice(0, 100, 7), (std::vector<float>{0, 7}));
  EXPECT_TRUE(slice(5, 5, 1).empty());
  EXPECT_TRUE(slice(8, 2, 1).empty());
  EXPECT_EQ(slice(9, kLeast, kLeast), (std::vector<float>{9}));
  EXPECT_FALSE(try_op("Slice", 13, {}, {x, ints({0}), ints({1}), ints({0}), ints({0})}));
  EXPECT_FALSE(try_op("Slice", 13, {}, {x, ints({0}), ints({1}), ints({1})}));
  EXPECT_EQ(floats(run_op("Slice", 1,
                          {{"starts", std::vector<std::int64_t>{1}}, {"ends", std::vector<std::int64_t>{3}}}, {x})),
            (std::vector<float>{1, 2}));
}

TEST(Concat, AlongEachAxisWithAnEmptyOne) {
  const Tensor a = iota({1, 2}), b = tensor({1, 2}, {5, 6}), none = Tensor::allocate(DType::f32, {0, 2}).tensor;
  EXPECT_EQ(floats(run_op("Concat", 13, {{"axis", std::int64_t{0}}}, {a, none, b})), (std::vector<float>{0, 1, 5, 6}));
  EXPECT_EQ(floats(run_op("Concat", 13, {{"axis", std::int64_t{-1}}}, {a, b}, {active_isa(), 2})),
            (std::vector<float>{0, 1, 5, 6}));
  EXPECT_FALSE(try_op("Concat", 13, {{"axis", std::int64_t{2}}}, {a, b}));
  EXPECT_FALSE(try_op("Concat", 13, {{"axis", std::int64_t{1}}}, {a, iota({2, 2})}));
}

TEST(Split, EvenUnevenAndGiven) {
  const Tensor x = iota({7});
  const auto uneven =
      run_op_outputs("Split", 18, {{"axis", std::int64_t{0}}, {"num_outputs", std::int64_t{3}}}, {x}, 3);
  EXPECT_EQ(floats(uneven[2]), (std::vector<float>{6}));
  EXPECT_FALSE(try_op("Split", 13, {}, {x}, 3));
  const auto given = run_op_outputs("Split", 13, {}, {x, ints({5, 0, 2})}, 3);
  EXPECT_EQ(given[1].elements(), 0);
  EXPECT_EQ(floats(given[2]), (std::vector<float>{5, 6}));
  EXPECT_FALSE(try_op("Split", 13, {}, {x, ints({5, -1, 3})}, 3));
  EXPECT_FALSE(try_op("Split", 13, {}, {x, ints({kMost, kMost, 9})}, 3));
}

TEST(Pad, ModesAndCropping) {
  const Tensor x = tensor({3}, {1, 2, 3});
  const auto pad = [&](const char* mode, std::int64_t begin, std::int64_t end) {
    return floats(run_op("Pad", 19, {{"mode", std::string(mode)}}, {x, ints({begin, end})}));
  };
  EXPECT_EQ(pad("constant", 1, 2), (std::vector<float>{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(pad("reflect", 3, 5), (std::vector<float>{2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(pad("edge", 1, 2), (std::vector<float>{1, 1, 2, 3, 3, 3}));
  EXPECT_EQ(pad("wrap", 2, 2), (std::vector<float>{2, 3, 1, 2, 3, 1, 2}));
  EXPECT_EQ(pad("constant", -1, 1), (std::vector<float>{2, 3, 0}));
  EXPECT_FALSE(try_op("Pad", 13, {}, {x, ints({-2, -2})}));
  EXPECT_FALSE(try_op("Pad", 13, {}, {x, ints({kMost, kMost})}));
  EXPECT_EQ(floats(run_op("Pad", 13, {}, {x, ints({0, 1}), tensor({}, {9})})), (std::vector<float>{1, 2, 3, 9}));
}

TEST(Reshape, ZeroAndMinusOne) {
  const Tensor x = iota({2, 3, 4});
  EXPECT_EQ(run_op("Reshape", 13, {}, {x, ints({0, -1})}).shape(), (Shape{2, 12}));
  EXPECT_EQ(run_op("Reshape", 1, {{"shape", std::vector<std::int64_t>{-1}}}, {x}).shape(), (Shape{24}));
  for (const auto& wanted :
       std::vector<std::vector<std::int64_t>>{{5, -1}, {-1, -1}, {-2, 12}, {25}, {0, 0, 0, 0}, {kMost, 2}}) {
    EXPECT_FALSE(try_op("Reshape", 13, {}, {x, ints(wanted)}));
  }
  const Tensor none = Tensor::allocate(DType::f32, {0, 3}).tensor;
  EXPECT_EQ(run_op("Reshape", 14, {{"allowzero", std::int64_t{1}}}, {none, ints({3, 0})}).shape(), (Shape{3, 0}));
  EXPECT_FALSE(try_op("Reshape", 14, {}, {none, ints({3, -1, 0})}));
}

TEST(SqueezeAndUnsqueeze, AxesAsAttributeAndInput) {
  const Tensor x = iota({1, 3, 1});
  EXPECT_EQ(run_op("Squeeze", 13, {}, {x}).shape(), (Shape{3}));
  EXPECT_EQ(run_op("Squeeze", 11, {{"axes", std::vector<std::int64_t>{-1}}}, {x}).shape(), (Shape{1, 3}));
  EXPECT_FALSE(try_op("Squeeze", 13, {}, {x, ints({1})}));
  EXPECT_EQ(run_op("Unsqueeze", 13, {}, {iota({3}), ints({0, -1})}).shape(), (Shape{1, 3, 1}));
  EXPECT_FALSE(try_op("Unsqueeze", 13, {}, {iota({3}), ints({0, 0})}));
  EXPECT_FALSE(try_op("Unsqueeze", 13, {}, {iota({3}), ints({0, 1, 2, 3, 4, 5, 6, 7})}));
}

TEST(Gather, NegativeIndicesAndIndicesOutOfRange) {
  const Tensor x = iota({3, 2});
  EXPECT_EQ(floats(run_op("Gather", 13, {}, {x, ints({-1, 0})})), (std::vector<float>{4, 5, 0, 1}));
  EXPECT_EQ(floats(run_op("Gather", 13, {{"axis", std::int64_t{1}}}, {x, ints({1})})), (std::vector<float>{1, 3, 5}));
  for (const std::int64_t index : {std::int64_t{3}, std::int64_t{-4}, kMost, kLeast})
    EXPECT_FALSE(try_op("Gather", 13, {}, {x, ints({index})})) << index;
}

TEST(ExpandAndTile, BombsAreRefusedBeforeTheyAreAllocated) {
  const Tensor x = tensor({1, 2}, {1, 2});
  EXPECT_EQ(floats(run_op("Expand", 13, {}, {x, ints({2, 1})})), (std::vector<float>{1, 2, 1, 2}));
  EXPECT_EQ(floats(run_op("Tile", 13, {}, {x, ints({2, 2})})), (std::vector<float>{1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_FALSE(try_op("Expand", 13, {}, {x, ints({std::int64_t{1} << 62, 2})}));
  EXPECT_FALSE(try_op("Tile", 13, {}, {x, ints({kMost, kMost})}));
  EXPECT_FALSE(try_op("Tile", 13, {}, {x, ints({-1, 1})}));
  EXPECT_FALSE(try_op("ConstantOfShape", 9, {}, {ints({kMost, kMost})}));
  EXPECT_FALSE(try_op("ConstantOfShape", 9, {}, {ints({-1})}));
}

TEST(Shape, StartAndEndClamp) {
  const Tensor x = iota({2, 3, 4});
  EXPECT_EQ(run_op("Shape", 13, {}, {x}).to_ints(), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(run_op("Shape", 15, {{"start", std::int64_t{-2}}, {"end", std::int64_t{99}}}, {x}).to_ints(),
            (std::vector<std::int64_t>{3, 4}));
  EXPECT_TRUE(run_op("Shape", 15, {{"start", std::int64_t{2}}, {"end", std::int64_t{1}}}, {x}).to_ints().empty());
}

TEST(DepthToSpace, BothOrders) {
  const Tensor x = iota({1, 8, 1, 1});
  const AttributeList block = {{"blocksize", std::int64_t{2}}};
  EXPECT_EQ(floats(run_op("DepthToSpace", 13, block, {x})), (std::vector<float>{0, 2, 4, 6, 1, 3, 5, 7}));
  AttributeList crd = block;
  crd.emplace_back("mode", std::string("CRD"));
  EXPECT_EQ(floats(run_op("DepthToSpace", 13, crd, {x})), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(floats(run_op("SpaceToDepth", 13, block, {run_op("DepthToSpace", 13, block, {x})})), floats(x));
  EXPECT_FALSE(try_op("DepthToSpace", 13, {{"blocksize", std::int64_t{3}}}, {x}));
}

}  // namespace
}  // namespace adze::testing
