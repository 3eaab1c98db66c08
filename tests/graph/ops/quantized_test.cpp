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

}  // namespace
}  // namespace adze::testing
