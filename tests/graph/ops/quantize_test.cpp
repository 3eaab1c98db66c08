#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

template <class T>
Tensor of(const Shape& shape, std::vector<T> values) {
  return Tensor::from<T>(shape, values);
}
template <class T>
std::vector<int> codes(const Tensor& t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}

TEST(Quantize, RoundsToEvenAndSaturates) {
  const Tensor x = tensor({6}, {0.5f, 1.5f, 2.5f, -0.5f, 300, -300});
  EXPECT_EQ(codes<std::uint8_t>(run_op("QuantizeLinear", 13, {}, {x, tensor({}, {1})})),
            (std::vector<int>{0, 2, 2, 0, 255, 0}));
  EXPECT_EQ(codes<std::int8_t>(run_op("QuantizeLinear", 13, {}, {x, tensor({}, {1}), of<std::int8_t>({}, {1})})),
            (std::vector<int>{1, 3, 3, 1, 127, -128}));
}

TEST(Quantize, PerAxisAndPerBlock) {
  const Tensor x = tensor({2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  const AttributeList axis0 = {{"axis", std::int64_t{0}}};
  EXPECT_EQ(codes<std::uint8_t>(run_op("QuantizeLinear", 13, axis0, {x, tensor({2}, {1, 10})})),
            (std::vector<int>{1, 2, 3, 4, 1, 2, 3, 4}));
  const AttributeList blocks = {{"axis", std::int64_t{1}}, {"block_size", std::int64_t{2}}};
  EXPECT_EQ(codes<std::uint8_t>(run_op("QuantizeLinear", 21, blocks, {x, tensor({2, 2}, {1, 2, 10, 20})})),
            (std::vector<int>{1, 2, 2, 2, 1, 2, 2, 2}));
  const Tensor back = run_op("DequantizeLinear", 21, blocks,
                             {of<std::uint8_t>({2, 4}, {1, 2, 2, 2, 1, 2, 2, 2}), tensor({2, 2}, {1, 2, 10, 20})});
  EXPECT_EQ(std::vector<float>(back.as<float>().begin(), back.as<float>().end()),
            (std::vector<float>{1, 2, 4, 4, 10, 20, 40, 40}));
  EXPECT_FALSE(try_op("QuantizeLinear", 13, axis0, {x, tensor({3}, {1, 1, 1})}));
}

Tensor narrow(DType type, const Shape& shape, const std::vector<int>& bytes) {
  auto made = Tensor::allocate(type, shape);
  for (std::size_t i = 0; i < bytes.size(); i++) made.bytes[i] = static_cast<std::byte>(bytes[i]);
  return made.tensor;
}
std::vector<int> bytes(const Tensor& t) {
  std::vector<int> result;
  for (std::size_t i = 0; i < t.bytes(); i++) result.push_back(static_cast<int>(t.raw()[i]));
  return result;
}
std::vector<float> floats(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }

TEST(Quantize, NarrowIntegersSaturateToTheirRange) {
  const Tensor x = tensor({6}, {-40, -3, -0.5f, 1.5f, 4, 40}), one = tensor({}, {1});
  const auto quantized = [&](DType type) {
    return bytes(run_op("QuantizeLinear", 25, {{"output_dtype", static_cast<std::int64_t>(type)}}, {x, one}));
  };
  EXPECT_EQ(quantized(DType::i4), (std::vector<int>{0xf8, 0xfd, 0, 2, 4, 7}));
  EXPECT_EQ(quantized(DType::u4), (std::vector<int>{0, 0, 0, 2, 4, 15}));
  EXPECT_EQ(quantized(DType::i2), (std::vector<int>{0xfe, 0xfe, 0, 1, 1, 1}));
  EXPECT_EQ(quantized(DType::u2), (std::vector<int>{0, 0, 0, 2, 3, 3}));
  const Tensor y = run_op("DequantizeLinear", 25, {},
                          {narrow(DType::i4, {2}, {0xf8, 7}), tensor({}, {0.5f}), narrow(DType::i4, {}, {0xff})});
  EXPECT_EQ(floats(y), (std::vector<float>{-3.5f, 4}));
}

TEST(Quantize, NarrowFloats) {
  const Tensor x = tensor({4}, {1, -0.0f, 2000, -3}), two = tensor({}, {2});
  const AttributeList e4m3 = {{"output_dtype", std::int64_t{17}}};
  EXPECT_EQ(bytes(run_op("QuantizeLinear", 25, e4m3, {x, two})), (std::vector<int>{0x30, 0x80, 0x7e, 0xbc}));
  const AttributeList wide = {{"saturate", std::int64_t{0}}};
  EXPECT_EQ(bytes(run_op("QuantizeLinear", 25, wide, {x, two, narrow(DType::f8e5m2, {}, {0})})),
            (std::vector<int>{0x38, 0x80, 0x64, 0xbe}));
  const Tensor y = run_op("DequantizeLinear", 25, {}, {narrow(DType::f4e2m1, {3}, {1, 7, 0xf}), two});
  EXPECT_EQ(floats(y), (std::vector<float>{1, 12, -12}));
}

// Microscaling: blocks of narrow floats with one power of two each.
TEST(Quantize, PowersOfTwoAsScales) {
  const AttributeList blocks = {{"axis", std::int64_t{0}}, {"block_size", std::int64_t{2}}};
  const Tensor scale = narrow(DType::f8e8m0, {2}, {128, 126});  // 2, 1/2
  const Tensor x = narrow(DType::f4e2m1, {4}, {2, 4, 2, 4});    // 1, 2, 1, 2
  EXPECT_EQ(floats(run_op("DequantizeLinear", 25, blocks, {x, scale})), (std::vector<float>{2, 4, 0.5f, 1}));
  AttributeList to_f4 = blocks;
  to_f4.emplace_back("output_dtype", std::int64_t{23});
  EXPECT_EQ(bytes(run_op("QuantizeLinear", 25, to_f4, {tensor({4}, {2, 4, 0.5f, 1}), scale})),
            (std::vector<int>{2, 4, 2, 4}));
}

TEST(Quantize, PrecisionOfTheDivision) {
  // 2049 isn't a half: the operands are rounded to 2048 first.
  const Tensor x = tensor({1}, {2049}), one = tensor({}, {1}), zero = of<std::uint16_t>({}, {0});
  EXPECT_EQ(codes<std::uint16_t>(run_op("QuantizeLinear", 25, {}, {x, one, zero}))[0], 2049);
  const AttributeList half = {{"precision", std::int64_t{10}}};
  EXPECT_EQ(codes<std::uint16_t>(run_op("QuantizeLinear", 25, half, {x, one, zero}))[0], 2048);
  EXPECT_FALSE(try_op("QuantizeLinear", 25, {{"precision", std::int64_t{7}}}, {x, one, zero}));
}

TEST(Quantize, ZeroPointMustMatch) {
  const Tensor x = of<std::int8_t>({2}, {1, 2}), scale = tensor({2}, {1, 2});
  EXPECT_FALSE(try_op("DequantizeLinear", 25, {{"axis", std::int64_t{0}}}, {x, scale, of<std::int8_t>({}, {1})}));
  EXPECT_FALSE(try_op("DequantizeLinear", 25, {}, {x, tensor({}, {1}), of<std::uint8_t>({}, {1})}));
}

TEST(Quantize, AxisFromTheBack) {
  const Tensor x = tensor({2, 2}, {1, 10, 2, 20}), scale = tensor({2}, {1, 10});
  const AttributeList last = {{"axis", std::int64_t{-1}}};
  EXPECT_EQ(codes<std::uint8_t>(run_op("QuantizeLinear", 13, last, {x, scale})), (std::vector<int>{1, 1, 2, 2}));
  EXPECT_EQ(floats(run_op("DequantizeLinear", 13, last, {of<std::uint8_t>({2, 2}, {1, 1, 2, 2}), scale})), floats(x));
  EXPECT_FALSE(try_op("QuantizeLinear", 13, {{"axis", std::int64_t{2}}}, {x, scale}));
}

// A bias of int32 has a scale and no zero point.
TEST(Quantize, WideIntegers) {
  const Tensor y = run_op("DequantizeLinear", 13, {}, {of<std::int32_t>({2}, {-70000, 3}), tensor({}, {0.5f})});
  EXPECT_EQ(floats(y), (std::vector<float>{-35000, 1.5f}));
  const Tensor x = tensor({3}, {-40000, 0.5f, 40000});
  EXPECT_EQ(codes<std::int16_t>(run_op("QuantizeLinear", 21, {}, {x, tensor({}, {1}), of<std::int16_t>({}, {0})})),
            (std::vector<int>{-32768, 0, 32767}));
}

TEST(Quantize, WeightsOfAConvolutionHaveAZeroPointPerChannel) {
  const Tensor one = tensor({}, {1}), none = of<std::uint8_t>({}, {0});
  const Tensor x = of<std::uint8_t>({1, 1, 2}, {3, 5}), w = of<std::uint8_t>({2, 1, 1}, {4, 4});
  const Tensor y =
      run_op("QLinearConv", 10, {},
             {x, one, none, w, one, of<std::uint8_t>({2}, {1, 2}), one, none, of<std::int32_t>({2}, {10, 20})});
  EXPECT_EQ(codes<std::uint8_t>(y), (std::vector<int>{19, 25, 26, 30}));
}

TEST(Quantize, DynamicRangeTakesInZero) {
  const auto y = run_op_outputs("DynamicQuantizeLinear", 11, {}, {tensor({3}, {2, 5.1f, 0.5f})}, 3);
  EXPECT_EQ(codes<std::uint8_t>(y[2])[0], 0);
  EXPECT_NEAR(y[1].as<float>()[0], 5.1f / 255, 1e-9f);
  EXPECT_EQ(codes<std::uint8_t>(y[0]), (std::vector<int>{100, 255, 25}));
}

TEST(Quantize, IntegerProductsTakeZeroPointsPerRowAndColumn) {
  const Tensor a = of<std::uint8_t>({2, 2}, {1, 2, 3, 4}), b = of<std::int8_t>({2, 2}, {1, -1, 2, -2});
  const Tensor a_zero = of<std::uint8_t>({2}, {1, 2}), b_zero = of<std::int8_t>({2}, {0, 1});
  const Tensor y = run_op("MatMulInteger", 10, {}, {a, b, a_zero, b_zero});
  // rows less zero points: (0 1), (1 2); columns: (1 2), (-2 -3)
  EXPECT_EQ(codes<std::int32_t>(y), (std::vector<int>{2, -3, 5, -8}));
  EXPECT_FALSE(try_op("MatMulInteger", 10, {}, {a, b, of<std::uint8_t>({3}, {1, 2, 3})}));
}

TEST(Quantize, PaddingOfIntegerConvolutionIsTheZeroPoint) {
  const Tensor x = of<std::uint8_t>({1, 1, 1, 2}, {5, 7}), w = of<std::int8_t>({1, 1, 1, 3}, {1, 10, 100});
  const AttributeList pads = {{"pads", std::vector<std::int64_t>{0, 1, 0, 1}}};
  // pixels less 3: 0 | 2 4 | 0
  EXPECT_EQ(codes<std::int32_t>(run_op("ConvInteger", 10, pads, {x, w, of<std::uint8_t>({}, {3})})),
            (std::vector<int>{420, 42}));
}

}  // namespace
}  // namespace adze::testing
