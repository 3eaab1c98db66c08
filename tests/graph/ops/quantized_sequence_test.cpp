// Quantised operators of com.microsoft over sequences. What is expected was computed by ONNX Runtime on its CPU.
#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

std::int64_t code(std::int64_t i, std::int64_t times) { return i * times % 256; }

// Element i is (i * times % modulus - offset) * scale.
Tensor pattern(const Shape& shape, int times, int modulus, int offset, float scale) {
  auto made = Tensor::allocate(DType::f32, shape);
  for (std::int64_t i = 0; i < shape.elements(); i++)
    made.as<float>()[i] = static_cast<float>(i * times % modulus - offset) * scale;
  return made.tensor;
}
template <class T>
Tensor codes(const Shape& shape, std::int64_t times) {
  auto made = Tensor::allocate(dtype_of<T>, shape);
  for (std::int64_t i = 0; i < shape.elements(); i++) made.template as<T>()[i] = static_cast<T>(code(i, times));
  return made.tensor;
}
template <class T>
Tensor of(const Shape& shape, std::vector<T> values) {
  return Tensor::from<T>(shape, values);
}

void expect_near(const Tensor& got, const std::vector<float>& want, float bound = 1e-6f) {
  ASSERT_EQ(got.as<float>().size(), want.size());
  for (std::size_t i = 0; i < want.size(); i++) EXPECT_NEAR(got.as<float>()[i], want[i], bound) << i;
}

constexpr std::int64_t kSteps = 3, kBatch = 2, kIn = 3, kHidden = 2;

TEST(DynamicQuantizeLstm, OneScalePerMatrix) {
  const std::vector<Tensor> inputs = {pattern({kSteps, kBatch, kIn}, 7, 11, 5, 0.25f),
                                      codes<std::uint8_t>({1, kIn, 4 * kHidden}, 37),
                                      codes<std::uint8_t>({1, kHidden, 4 * kHidden}, 91),
                                      pattern({1, 8 * kHidden}, 3, 5, 2, 0.125f),
                                      {},
                                      {},
                                      {},
                                      {},
                                      tensor({1}, {1 / 128.0f}),
                                      of<std::uint8_t>({1}, {120}),
                                      tensor({1}, {1 / 64.0f}),
                                      of<std::uint8_t>({1}, {131})};
  const auto y = run_op_outputs("DynamicQuantizeLSTM", 1, {{"hidden_size", kHidden}}, inputs, 3);
  expect_near(y[0], {-0.24530554f, 0.20445611f, 0.056250121f, -0.13535227f, 0.081864677f, -0.00044482652f, 0.10579002f,
                     -0.12843232f, 0.12851527f, -0.2222379f, 0.11566033f, -0.16522217f});
  expect_near(y[1], {0.12851527f, -0.2222379f, 0.11566033f, -0.16522217f});
  expect_near(y[2], {0.2829805f, -0.33809921f, 0.24901742f, -0.29097578f});
}

std::vector<Tensor> bidirectional() {
  return {pattern({kSteps, kBatch, kIn}, 7, 11, 5, 0.25f),
          codes<std::int8_t>({2, kIn, 4 * kHidden}, 37),
          codes<std::int8_t>({2, kHidden, 4 * kHidden}, 91),
          pattern({2, 8 * kHidden}, 3, 5, 2, 0.125f),
          of<std::int32_t>({kBatch}, {3, 2}),
          {},
          {},
          pattern({2, 3 * kHidden}, 2, 3, 1, 0.5f),
          pattern({2, 4 * kHidden}, 5, 7, -1, 1 / 512.0f),
          of<std::int8_t>({2, 4 * kHidden}, std::vector<std::int8_t>(16, 0)),
          tensor({2}, {1 / 64.0f, 1 / 128.0f}),
          of<std::int8_t>({2}, {0, 3})};
}
const AttributeList kBoth = {{"hidden_size", kHidden}, {"direction", std::string("bidirectional")}};

TEST(DynamicQuantizeLstm, BothDirectionsWithLengthsPeepholesAndScalesPerColumn) {
  for (const int parts : {1, 2}) {
    const auto y = run_op_outputs("DynamicQuantizeLSTM", 1, kBoth, bidirectional(), 3, {.parts = parts});
    expect_near(y[0], {0.053448372f,
                       -0.061965942f,
                       -0.10984629f,
                       -0.15111792f,
                       -0.068880148f,
                       -0.17827842f,
                       -0.014058408f,
                       0.094716944f,
                       -0.078654297f,
                       -0.13971324f,
                       -0.17554125f,
                       -0.14799204f,
                       -0.067841135f,
                       0.07982941f,
                       -0.04499029f,
                       0.057712827f,
                       0.034963693f,
                       -0.311124f,
                       0,
                       0,
                       -0.2044398f,
                       0.13643745f,
                       0,
                       0});
    expect_near(y[1], {0.034963693f, -0.311124f, -0.17554125f, -0.14799204f, -0.068880148f, -0.17827842f, -0.014058408f,
                       0.094716944f});
    expect_near(y[2], {0.15030099f, -0.49360836f, -0.23159413f, -0.19317105f, -0.10774988f, -0.34187376f, -0.028258532f,
                       0.48646569f});
  }
}

TEST(DynamicQuantizeLstm, RefusesWhatDoesntFit) {
  const auto refused = [](std::size_t i, Tensor other, const AttributeList& attributes = kBoth) {
    auto inputs = bidirectional();
    inputs[i] = std::move(other);
    return !try_op("DynamicQuantizeLSTM", 1, attributes, inputs, 3);
  };
  EXPECT_TRUE(refused(1, codes<std::int8_t>({2, 4 * kHidden, kIn}, 37)));
  EXPECT_TRUE(refused(8, tensor({1}, {1})));
  EXPECT_TRUE(refused(9, of<std::uint8_t>({2}, {0, 0})));
  EXPECT_TRUE(refused(11, {}));
  EXPECT_TRUE(refused(4, of<std::int32_t>({3}, {1, 1, 1})));
  EXPECT_TRUE(refused(11, of<std::int8_t>({2}, {0, 3}), {{"hidden_size", std::int64_t{3}}}));
}

TEST(QAttention, MasksByLengthAndByCause) {
  const Tensor x = codes<std::uint8_t>({2, 3, 2}, 41), weights = codes<std::int8_t>({2, 12}, 53);
  std::vector<Tensor> inputs = {x,
                                weights,
                                pattern({12}, 3, 5, 2, 0.25f),
                                tensor({}, {1 / 64.0f}),
                                tensor({}, {1 / 128.0f}),
                                of<std::int32_t>({2}, {3, 2}),
                                of<std::uint8_t>({}, {128}),
                                of<std::int8_t>({}, {3})};
  const AttributeList attributes = {{"num_heads", std::int64_t{2}}, {"unidirectional", std::int64_t{1}}};
  for (const int parts : {1, 3}) {
    expect_near(run_op("QAttention", 1, attributes, inputs, {.parts = parts}),
                {1.5714111f,   -0.31958008f, 0.50817871f, -0.1328125f,  1.3006426f,   -0.095495805f,
                 -0.18793011f, -0.10551412f, 0.84424567f, 0.28221202f,  -0.64354569f, -0.087646835f,
                 -1.2015381f,  -1.5656738f,  1.1014404f,  1.9873047f,   -0.56317276f, -1.0951978f,
                 0.6441685f,   1.3473339f,   0.38766792f, -0.39442727f, 0.52710879f,  1.1835039f});
  }
  EXPECT_FALSE(try_op("QAttention", 1, {{"num_heads", std::int64_t{3}}}, inputs));
  inputs[5] = of<std::int32_t>({5}, {1, 1, 1, 1, 1});
  EXPECT_FALSE(try_op("QAttention", 1, attributes, inputs));
}

TEST(QEmbedLayerNormalization, AddsThreeTablesAndCountsTheMask) {
  std::vector<Tensor> inputs = {of<std::int32_t>({2, 2}, {0, 2, 1, 1}), of<std::int32_t>({2, 2}, {0, 1, 1, 0}),
                                codes<std::uint8_t>({3, 5}, 37),        codes<std::uint8_t>({2, 5}, 91),
                                codes<std::uint8_t>({2, 5}, 53),        codes<std::uint8_t>({5}, 77),
                                codes<std::uint8_t>({5}, 29),           of<std::int32_t>({2, 2}, {1, 1, 1, 0})};
  for (int i = 0; i < 5; i++) inputs.push_back(tensor({}, {1 / 128.0f}));
  for (int i = 0; i < 5; i++) inputs.push_back(of<std::uint8_t>({}, {static_cast<std::uint8_t>(100 + i)}));
  const auto y = run_op_outputs("QEmbedLayerNormalization", 1, {}, inputs, 2);
  expect_near(y[0], {0.49189734f,  -0.48624468f, -0.10461095f, 0.038279042f, -0.42473459f, -0.47655886f, -0.38507751f,
                     -0.20396267f, 1.6361457f,   0.39364728f,  0.22613144f,  -0.77144134f, -0.359375f,   -1.0460622f,
                     -0.42052382f, -1.4228249f,  -0.49725443f, -1.0094852f,  1.1196058f,   0.070894569f});
  EXPECT_EQ(y[1].as<std::int32_t>()[0], 2);
  EXPECT_EQ(y[1].as<std::int32_t>()[1], 1);
  inputs[0] = of<std::int32_t>({2, 2}, {0, 3, 1, 1});
  EXPECT_FALSE(try_op("QEmbedLayerNormalization", 1, {}, inputs, 2));
}

}  // namespace
}  // namespace adze::testing
