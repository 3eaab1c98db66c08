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
