// Cast between wide and narrow types: what is rounded, saturated, wrapped.
#include <cmath>
#include <limits>

#include "graph/core/narrow.h"
#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

Tensor cast(const Tensor& x, DType to, AttributeList attributes = {}) {
  attributes.emplace_back("to", static_cast<std::int64_t>(to));
  return run_op("Cast", 25, attributes, {x});
}
template <class T>
std::vector<T> values(const Tensor& t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}
std::vector<int> bytes(const Tensor& t) {
  std::vector<int> result;
  for (std::size_t i = 0; i < t.bytes(); i++) result.push_back(static_cast<int>(t.raw()[i]));
  return result;
}
// All codes of a type of eight bits, or those of one of four twice and more.
Tensor codes(DType type) {
  auto made = Tensor::allocate(type, {256});
  for (int i = 0; i < 256; i++) made.bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(i);
  return made.tensor;
}

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Cast, NarrowFloatsToEveryFloat) {
  for (const DType type : {DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz, DType::f8e8m0}) {
    const Tensor x = codes(type);
    const Tensor f32 = cast(x, DType::f32), f64 = cast(x, DType::f64), bf16 = cast(x, DType::bf16);
    for (std::size_t i = 0; i < 256; i++) {
      const float want = values_of(type)[i];
      if (std::isnan(want)) {
        EXPECT_TRUE(std::isnan(f32.as<float>()[i]) && std::isnan(f64.as<double>()[i]));
        continue;
      }
      EXPECT_EQ(f32.as<float>()[i], want);
      EXPECT_EQ(f64.as<double>()[i], static_cast<double>(want));
      EXPECT_EQ(static_cast<float>(bf16.as<BFloat16>()[i]), want);
    }
    // And back: the same codes but for the several NaNs.
    const auto again = bytes(cast(f64, type));
    for (std::size_t i = 0; i < 256; i++) {
      if (!std::isnan(values_of(type)[i]) && std::isfinite(values_of(type)[i])) {
        EXPECT_EQ(again[i], static_cast<int>(i)) << name_of(type);
      }
    }
  }
}

TEST(Cast, SaturateAndRoundModeReachTheConversion) {
  const Tensor x = tensor({3}, {1e6f, -kInf, 3});
  EXPECT_EQ(bytes(cast(x, DType::f8e5m2)), (std::vector<int>{0x7b, 0xfb, 0x42}));
  EXPECT_EQ(bytes(cast(x, DType::f8e5m2, {{"saturate", std::int64_t{0}}})), (std::vector<int>{0x7c, 0xfc, 0x42}));
  EXPECT_EQ(bytes(cast(tensor({1}, {3}), DType::f8e8m0)), (std::vector<int>{129}));
  EXPECT_EQ(bytes(cast(tensor({1}, {3}), DType::f8e8m0, {{"round_mode", std::string("down")}})),
            (std::vector<int>{128}));
  EXPECT_FALSE(try_op("Cast", 25, {{"to", std::int64_t{24}}, {"round_mode", std::string("odd")}}, {x}));
}

TEST(Cast, NarrowIntegers) {
  const Tensor x = tensor({6}, {-9, -1.9f, 2.5f, 7, 8, 17});
  EXPECT_EQ(values<std::int8_t>(cast(cast(x, DType::i4), DType::i8)), (std::vector<std::int8_t>{7, -1, 2, 7, -8, 1}));
  EXPECT_EQ(values<float>(cast(cast(x, DType::u4), DType::f32)), (std::vector<float>{7, 15, 2, 7, 8, 1}));
  EXPECT_EQ(values<float>(cast(cast(x, DType::i2), DType::f32)), (std::vector<float>{-1, -1, -2, -1, 0, 1}));
  EXPECT_EQ(values<std::int64_t>(cast(cast(ints({-1, 300, std::int64_t{1} << 40}), DType::u2), DType::i64)),
            (std::vector<std::int64_t>{3, 0, 0}));
  // From one narrow type to another.
  EXPECT_EQ(bytes(cast(cast(x, DType::i4), DType::u2)), (std::vector<int>{3, 3, 2, 3, 0, 1}));
  EXPECT_EQ(bytes(cast(cast(x, DType::i4), DType::f4e2m1)), (std::vector<int>{0x7, 0xa, 0x4, 0x7, 0xf, 0x2}));
}

TEST(Cast, LikeTakesTheSecondInputsType) {
  const Tensor y = run_op("CastLike", 25, {{"saturate", std::int64_t{0}}},
                          {tensor({2}, {1, 1e6f}), Tensor::allocate(DType::f8e4m3fn, {1}).tensor});
  EXPECT_EQ(y.type(), DType::f8e4m3fn);
  EXPECT_EQ(bytes(y), (std::vector<int>{0x38, 0x7f}));
}

// A double just above the middle of two halves is no tie, though it is one after rounding to float.
TEST(Cast, DoubleToHalfRoundsOnce) {
  const std::vector<double> x = {1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11, 1 + 0x1p-11 - 0x1p-40, -(1 + 0x1p-11 + 0x1p-40)};
  const Tensor y = cast(Tensor::from<double>({4}, x), DType::f16);
  std::vector<int> bits;
  for (const Float16 half : y.as<Float16>()) bits.push_back(half.bits);
  EXPECT_EQ(bits, (std::vector<int>{0x3c01, 0x3c00, 0x3c00, 0xbc01}));
  EXPECT_EQ(cast(Tensor::from<double>({1}, std::vector<double>{1e300}), DType::f16).as<Float16>()[0].bits, 0x7c00);
}

TEST(Cast, EdgesOfIntegers) {
  const float nan = std::nanf("");
  EXPECT_EQ(values<std::int64_t>(cast(tensor({4}, {nan, kInf, -kInf, -2.9f}), DType::i64)),
            (std::vector<std::int64_t>{0, std::numeric_limits<std::int64_t>::max(),
                                       std::numeric_limits<std::int64_t>::min(), -2}));
  EXPECT_EQ(values<std::uint32_t>(cast(tensor({2}, {-1, 5e9f}), DType::u32)),
            (std::vector<std::uint32_t>{0, 0xffffffffu}));
  EXPECT_EQ(values<bool>(cast(tensor({4}, {0, -0.0f, nan, 1e-30f}), DType::boolean)),
            (std::vector<bool>{false, false, true, true}));
  EXPECT_EQ(values<std::int8_t>(cast(ints({200, -129}), DType::i8)), (std::vector<std::int8_t>{-56, 127}));
}

// Narrow types move as bytes.
TEST(Narrow, MovesThroughViewsAndCopies) {
  auto made = Tensor::allocate(DType::i4, {2, 3});
  for (std::size_t i = 0; i < 6; i++) made.bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(bytes(run_op("Transpose", 25, {}, {made.tensor})), (std::vector<int>{0, 3, 1, 4, 2, 5}));
  const Tensor flat = run_op("Reshape", 25, {}, {made.tensor, ints({-1})});
  EXPECT_EQ(flat.shape(), Shape{6});
  EXPECT_EQ(flat.type(), DType::i4);
  EXPECT_EQ(bytes(run_op("Pad", 25, {}, {flat, ints({1, 0})})), (std::vector<int>{0, 0, 1, 2, 3, 4, 5}));
}

TEST(Narrow, BitCastTakesWholeBytesAlone) {
  const Tensor x = Tensor::from<std::uint8_t>({1}, std::vector<std::uint8_t>{0x38});
  const Tensor y = run_op("BitCast", 26, {{"to", std::int64_t{17}}}, {x});
  EXPECT_EQ(values<float>(cast(y, DType::f32)), (std::vector<float>{1}));
  EXPECT_FALSE(try_op("BitCast", 26, {{"to", std::int64_t{22}}}, {x}));
}

}  // namespace
}  // namespace adze::testing
