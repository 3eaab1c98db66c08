// Behaviour 3: Pad.
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const Tensor kNone;
const Tensor kX = tensor_of<float>({4}, {0, 1, 2, 3});

Floats padded(const char* mode, Ints pads, const Tensor& x = kX) {
  return values<float>(run_op("Pad", 19, {{"mode", std::string(mode)}}, {x, ints(std::move(pads))}));
}

TEST(Behaviour03, ReflectAndWrapRepeatAsOftenAsAsked) {
  EXPECT_EQ(padded("reflect", {7, 6}), (Floats{1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3}));
  EXPECT_EQ(padded("wrap", {5, 9}), (Floats{3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0}));
  EXPECT_EQ(padded("edge", {3, 1}), (Floats{0, 0, 0, 0, 1, 2, 3, 3}));
  EXPECT_EQ(padded("reflect", {2, 2}, tensor({1}, {7})), (Floats{7, 7, 7, 7, 7}));
}

TEST(Behaviour03, NegativePadsCropBeforeTheRestIsExtended) {
  EXPECT_EQ(padded("constant", {-1, 2}), (Floats{1, 2, 3, 0, 0}));
  EXPECT_EQ(padded("constant", {-2, -2}), Floats());
  EXPECT_EQ(padded("edge", {2, -2}), (Floats{0, 0, 0, 1}));
  EXPECT_EQ(padded("wrap", {-1, 2}), (Floats{1, 2, 3, 1, 2}));
  EXPECT_EQ(padded("wrap", {2, -1}), (Floats{1, 2, 0, 1, 2}));
  EXPECT_EQ(padded("reflect", {-1, 2}), (Floats{1, 2, 3, 2, 1}));
  EXPECT_EQ(padded("reflect", {-2, 3}), (Floats{2, 3, 2, 3, 2}));
  for (const char* mode : {"constant", "edge", "reflect", "wrap"}) {
    const auto refused = [&](Ints pads) {
      return !try_op("Pad", 19, {{"mode", std::string(mode)}}, {kX, ints(std::move(pads))}).has_value();
    };
    EXPECT_TRUE(refused({-5, 9})) << mode << ": more than there is";
    EXPECT_TRUE(refused({-3, -2})) << mode;
    EXPECT_TRUE(refused({std::numeric_limits<std::int64_t>::min(), 0})) << mode;
    EXPECT_EQ(refused({-4, 1}), std::string(mode) != "constant") << mode << ": nothing to extend";
  }
}

TEST(Behaviour03, AxesAreAnInputFromVersion18) {
  const Tensor x = tensor({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor want = run_op("Pad", 13, {}, {x, ints({0, 1, 0, 2, 0, 0})});
  const Tensor pads = ints({1, 0, 0, 2});  // begin of axes 1 and 0, then their ends
  EXPECT_TRUE(same_bytes(run_op("Pad", 18, {}, {x, pads, kNone, ints({1, 0})}), want));
  EXPECT_TRUE(same_bytes(run_op("Pad", 18, {}, {x, pads, kNone, tensor_of<std::int32_t>({2}, {-2, -3})}), want));
  EXPECT_FALSE(try_op("Pad", 18, {}, {x, pads, kNone, ints({1, 1})}));
  EXPECT_FALSE(try_op("Pad", 18, {}, {x, pads, kNone, ints({1, 3})}));
  EXPECT_FALSE(try_op("Pad", 18, {}, {x, pads, kNone, ints({1})}));
}

TEST(Behaviour03, WrapIsNoModeBeforeVersion19) {
  EXPECT_FALSE(try_op("Pad", 18, {{"mode", std::string("wrap")}}, {kX, ints({1, 1})}));
}

TEST(Behaviour08, PadsAreAnAttributeBeforeVersion11) {
  for (const auto& [opset, name] : {std::pair(1, "paddings"), std::pair(2, "pads")}) {
    EXPECT_EQ(values<float>(run_op("Pad", opset, {{name, Ints{1, 0}}, {"value", 9.0f}}, {kX})),
              (Floats{9, 0, 1, 2, 3}));
  }
  EXPECT_FALSE(try_op("Pad", 11, {{"pads", Ints{1, 0}}}, {kX}));
}

}  // namespace
}  // namespace adze::testing
