#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;
using SignedBytes = std::vector<std::int8_t>;

Tensor u8(const Shape& shape, const Bytes& codes) { return Tensor::from<std::uint8_t>(shape, codes); }
Tensor i8(const Shape& shape, const SignedBytes& codes) { return Tensor::from<std::int8_t>(shape, codes); }
Tensor i32(const Shape& shape, const std::vector<std::int32_t>& values) {
  return Tensor::from<std::int32_t>(shape, values);
}
Tensor scale(float value) { return tensor({}, {value}); }
Bytes u8_codes(const Tensor& t) { return {t.as<std::uint8_t>().begin(), t.as<std::uint8_t>().end()}; }
SignedBytes i8_codes(const Tensor& t) { return {t.as<std::int8_t>().begin(), t.as<std::int8_t>().end()}; }
std::vector<float> floats(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }

// A = [[1, 2], [3, 4]] * 0.5, B = [[1, 0], [-1, 2]] * [1, 2] per column.
TEST(QuantizedGemm, GivesFloatsOrCodes) {
  const Tensor a = u8({2, 2}, {11, 12, 13, 14}), b = i8({2, 2}, {2, 3, 0, 5});
  const std::vector<Tensor> product = {
      a, scale(0.5f), u8({}, {10}), b, tensor({2}, {1, 2}), i8({2}, {1, 3}), i32({2}, {1, -1})};
  EXPECT_EQ(floats(run_op("QGemm", 1, {}, product)), (std::vector<float>{0, 3, 0, 7}));
  std::vector<Tensor> codes = product;
  codes.push_back(scale(2));
  codes.push_back(u8({}, {100}));
  EXPECT_EQ(u8_codes(run_op("QGemm", 1, {}, codes)), (Bytes{100, 102, 100, 104}));  // 1.5 and 3.5: ties to even
  codes[7] = scale(0.01f);
  EXPECT_EQ(u8_codes(run_op("QGemm", 1, {}, codes)), (Bytes{100, 255, 100, 255}));
}

TEST(QuantizedGemm, TransposesAndScales) {
  const Tensor a = i8({1, 2}, {1, 2}), b = u8({3, 1}, {4, 5, 6});
  const AttributeList attributes = {{"transA", std::int64_t{1}}, {"transB", std::int64_t{1}}, {"alpha", 0.5f}};
  const Tensor y = run_op("QGemm", 1, attributes, {a, scale(1), i8({}, {0}), b, scale(1), u8({}, {4})});
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_EQ(floats(y), (std::vector<float>{0, 0.5f, 1, 0, 1, 2}));
}

TEST(QuantizedGemm, RefusesWhatDoesNotFit) {
  const Tensor a = u8({2, 2}, {1, 2, 3, 4}), b = i8({2, 2}, {1, 2, 3, 4}), one = scale(1);
  const Tensor a_zero = u8({}, {0}), b_zero = i8({}, {0});
  EXPECT_TRUE(try_op("QGemm", 1, {}, {a, one, a_zero, b, one, b_zero}));
  EXPECT_FALSE(try_op("QGemm", 1, {}, {a, one, a_zero, b, tensor({3}, {1, 1, 1}), b_zero}));
  EXPECT_FALSE(try_op("QGemm", 1, {}, {a, tensor({2}, {1, 1}), a_zero, b, one, b_zero}));
  EXPECT_FALSE(try_op("QGemm", 1, {}, {a, one, a_zero, b, one, u8({}, {0})}));
  EXPECT_FALSE(try_op("QGemm", 1, {}, {a, one, a_zero, b, one, b_zero, i32({3}, {1, 2, 3})}));
  EXPECT_FALSE(try_op("QGemm", 1, {}, {a, one, a_zero, b, one, b_zero, Tensor(), one}));
  EXPECT_FALSE(try_op("QGemm", 1, {}, {u8({2}, {1, 2}), one, a_zero, b, one, b_zero}));
}

// a = [1, 2; 3, 4] / 2, b = [3, -1].
TEST(QuantizedBinary, BroadcastsAndRoundsToEven) {
  const Tensor a = u8({2, 2}, {11, 12, 13, 14}), b = u8({2}, {23, 19});
  const std::vector<Tensor> inputs = {a, scale(0.5f), u8({}, {10}), b, scale(1), u8({}, {20}), scale(1), u8({}, {5})};
  EXPECT_EQ(u8_codes(run_op("QLinearAdd", 1, {}, inputs)), (Bytes{9, 5, 9, 6}));  // 3.5, 0, 4.5, 1
  EXPECT_EQ(u8_codes(run_op("QLinearMul", 1, {}, inputs)), (Bytes{7, 4, 9, 3}));  // 1.5, -1, 4.5, -2
  EXPECT_FALSE(try_op("QLinearAdd", 1, {}, {a, scale(1), Tensor(), u8({3}, {1, 2, 3}), scale(1), Tensor(), scale(1)}));
  EXPECT_FALSE(try_op("QLinearAdd", 1, {}, {a, scale(1), Tensor(), b, tensor({2}, {1, 1}), Tensor(), scale(1)}));
  EXPECT_FALSE(try_op("QLinearAdd", 1, {}, {a, scale(1), Tensor(), Tensor(), scale(1), Tensor(), scale(1)}));
}

TEST(QuantizedUnary, GoesThroughRealNumbers) {
  const Tensor x = i8({4}, {-128, -2, 0, 127});
  EXPECT_EQ(i8_codes(run_op("QLinearLeakyRelu", 1, {{"alpha", 0.25f}}, {x, scale(2), Tensor(), scale(1)})),
            (SignedBytes{-64, -1, 0, 127}));
  EXPECT_EQ(i8_codes(run_op("QLinearSigmoid", 1, {}, {x, scale(1), Tensor(), scale(1.0f / 256), i8({}, {-128})})),
            (SignedBytes{-128, -97, 0, 127}));
  // A scale of 0 makes every quotient infinite or no number.
  EXPECT_EQ(i8_codes(run_op("QLinearLeakyRelu", 1, {}, {x, scale(1), Tensor(), scale(0)})),
            (SignedBytes{-128, -128, 0, 127}));
}

TEST(QuantizedSoftmax, NormalisesByOpset) {
  const Tensor x = u8({2, 2}, {7, 7, 7, 7}), step = scale(1.0f / 256);
  const auto softmax = [&](std::int64_t axis, std::int64_t opset) {
    return u8_codes(run_op("QLinearSoftmax", 1, {{"axis", axis}, {"opset", opset}}, {x, scale(1), Tensor(), step}));
  };
  EXPECT_EQ(softmax(0, 13), (Bytes{128, 128, 128, 128}));
  EXPECT_EQ(softmax(0, 12), (Bytes{64, 64, 64, 64}));
  EXPECT_FALSE(try_op("QLinearSoftmax", 1, {{"axis", std::int64_t{2}}, {"opset", std::int64_t{13}}},
                      {x, scale(1), Tensor(), step}));
}

TEST(QuantizedSelect, CodesAnew) {
  const Tensor a = u8({1, 2}, {1, 3}), b = u8({1, 1}, {255}), one = scale(1), zero = u8({}, {0});
  EXPECT_EQ(u8_codes(run_op("QLinearConcat", 1, {{"axis", std::int64_t{1}}},
                            {scale(2), u8({}, {10}), a, one, zero, b, scale(4), u8({}, {250})})),
            (Bytes{10, 12, 20}));  // 0.5, 1.5, 10
  EXPECT_FALSE(try_op("QLinearConcat", 1, {{"axis", std::int64_t{0}}}, {one, zero, a, one, zero, b, one, zero}));
  EXPECT_FALSE(try_op("QLinearConcat", 1, {{"axis", std::int64_t{1}}}, {one, zero, a, one, zero, b, one}));
  const bool flags[] = {true, false};
  const Tensor choose = Tensor::from<bool>({2, 1}, std::span<const bool>(flags));
  EXPECT_EQ(u8_codes(run_op("QLinearWhere", 1, {},
                            {choose, a, one, zero, b, scale(4), u8({}, {250}), scale(2), u8({}, {10})})),
            (Bytes{10, 12, 20, 20}));
}

TEST(QuantizedPool, AveragesInEitherLayout) {
  const Tensor first = u8({1, 2, 3}, {1, 2, 3, 10, 20, 30}), last = u8({1, 3, 2}, {1, 10, 2, 20, 3, 30});
  const AttributeList channels_last = {{"channels_last", std::int64_t{1}}};
  const std::vector<Tensor> scales = {scale(1), Tensor(), scale(0.5f), u8({}, {1})};
  const auto with = [&](const Tensor& x) { return std::vector<Tensor>{x, scales[0], scales[1], scales[2], scales[3]}; };
  EXPECT_EQ(u8_codes(run_op("QLinearGlobalAveragePool", 1, {}, with(first))), (Bytes{5, 41}));
  EXPECT_EQ(u8_codes(run_op("QLinearGlobalAveragePool", 1, channels_last, with(last))), (Bytes{5, 41}));
  AttributeList window = {{"kernel_shape", std::vector<std::int64_t>{2}}};
  EXPECT_EQ(u8_codes(run_op("QLinearAveragePool", 1, window, with(first))), (Bytes{4, 6, 31, 51}));
  window.push_back(channels_last[0]);
  EXPECT_EQ(u8_codes(run_op("QLinearAveragePool", 1, window, with(last))), (Bytes{4, 31, 6, 51}));
  EXPECT_FALSE(try_op("QLinearAveragePool", 1, {}, with(first)));
}

}  // namespace
}  // namespace adze::testing
