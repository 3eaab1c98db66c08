// Behaviour 14: quantisation to 8, 16 and 32 bits.
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
const Tensor kNone;

AttributeList axis(std::int64_t value) { return {{"axis", value}}; }

TEST(Behaviour14, TheResultIsUint8UnlessTheZeroPointOrOutputDtypeSaysOtherwise) {
  const Tensor x = tensor({3}, {-1, 3, 999}), scale = tensor({}, {2});
  EXPECT_EQ(values<std::uint8_t>(run_op("QuantizeLinear", 13, {}, {x, scale})), (std::vector<std::uint8_t>{0, 2, 255}));
  EXPECT_EQ(values<std::int8_t>(run_op("QuantizeLinear", 13, {}, {x, scale, tensor_of<std::int8_t>({}, {1})})),
            (std::vector<std::int8_t>{1, 3, 127}));
  for (const DType type : {DType::i8, DType::u8, DType::i16, DType::u16}) {
    EXPECT_EQ(run_op("QuantizeLinear", 21, {{"output_dtype", static_cast<std::int64_t>(type)}}, {x, scale}).type(),
              type);
  }
  EXPECT_EQ(values<std::uint16_t>(run_op("QuantizeLinear", 21, {}, {x, scale, tensor_of<std::uint16_t>({}, {40000})})),
            (std::vector<std::uint16_t>{40000, 40002, 40500}));
}

TEST(Behaviour14, HalvesGoToEvenBeforeTheZeroPointIsAdded) {
  const Tensor x = tensor({6}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f});
  EXPECT_EQ(
      values<std::int8_t>(run_op("QuantizeLinear", 13, {}, {x, tensor({}, {1}), tensor_of<std::int8_t>({}, {1})})),
      (std::vector<std::int8_t>{1, 3, 3, 1, -1, -1}));
}

TEST(Behaviour14, ScalesPerAxisCountedFromEitherEnd) {
  const Tensor x = tensor({2, 2}, {10, 20, 30, 40}), scale = tensor({2}, {1, 10});
  for (const std::int64_t last : {1, -1}) {
    EXPECT_EQ(values<std::uint8_t>(run_op("QuantizeLinear", 13, axis(last), {x, scale})),
              (std::vector<std::uint8_t>{10, 2, 30, 4}));
  }
  for (const std::int64_t first : {0, -2}) {
    const Tensor q = run_op("QuantizeLinear", 13, axis(first), {x, scale, tensor_of<std::uint8_t>({2}, {0, 5})});
    EXPECT_EQ(values<std::uint8_t>(q), (std::vector<std::uint8_t>{10, 20, 8, 9}));
    expect_values(run_op("DequantizeLinear", 13, axis(first), {q, scale, tensor_of<std::uint8_t>({2}, {0, 5})}), {2, 2},
                  {10, 20, 30, 40});
  }
  EXPECT_FALSE(try_op("QuantizeLinear", 13, axis(2), {x, scale}));
  EXPECT_FALSE(try_op("QuantizeLinear", 13, axis(1), {x, tensor({3}, {1, 1, 1})}));
}

TEST(Behaviour14, BlocksAlongAnAxisOfWhichTheLastMayBeShort) {
  const Tensor q = tensor_of<std::int8_t>({1, 5}, {1, 2, 3, 4, 5});
  AttributeList blocked = axis(1);
  blocked.emplace_back("block_size", std::int64_t{2});
  expect_values(run_op("DequantizeLinear", 21, blocked, {q, tensor({1, 3}, {1, 10, 100})}), {1, 5},
                {1, 2, 30, 40, 500});
  expect_values(run_op("DequantizeLinear", 21, blocked,
                       {q, tensor({1, 3}, {1, 10, 100}), tensor_of<std::int8_t>({1, 3}, {1, 2, 3})}),
                {1, 5}, {0, 1, 10, 20, 200});
  EXPECT_FALSE(try_op("DequantizeLinear", 21, blocked, {q, tensor({1, 2}, {1, 10})}))
      << "two blocks of two don't hold five";
}

TEST(Behaviour14, Int32IsDequantisedWithoutAZeroPoint) {
  expect_values(run_op("DequantizeLinear", 10, {}, {tensor_of<std::int32_t>({2}, {-100000, 7}), tensor({}, {0.5f})}),
                {2}, {-50000, 3.5f});
}

// y = sum of (x - xz) * (w - wz), with padding that is worth xz: it adds nothing.
TEST(Behaviour14, PaddingOfConvIntegerIsTheZeroPoint) {
  const Tensor x = tensor_of<std::uint8_t>({1, 1, 3}, {12, 15, 11}), w = tensor_of<std::uint8_t>({1, 1, 3}, {3, 4, 5});
  const Tensor y = run_op("ConvInteger", 10, {{"pads", Ints{1, 1}}},
                          {x, w, tensor_of<std::uint8_t>({}, {10}), tensor_of<std::uint8_t>({}, {2})});
  // x - 10 is 2 5 1, w - 2 is 1 2 3.
  EXPECT_EQ(values<std::int32_t>(y), (std::vector<std::int32_t>{2 * 2 + 5 * 3, 2 * 1 + 5 * 2 + 1 * 3, 5 * 1 + 1 * 2}));
}

TEST(Behaviour14, QLinearConvTakesScalesAndZeroPointsPerChannelAndAnInt32Bias) {
  const Tensor x = tensor_of<std::uint8_t>({1, 1, 2}, {12, 15}), w = tensor_of<std::int8_t>({2, 1, 1}, {3, -4});
  const Tensor one = tensor({}, {1}), xz = tensor_of<std::uint8_t>({}, {10}), yz = tensor_of<std::uint8_t>({}, {100});
  const auto run = [&](const Tensor& w_zero) {
    return values<std::uint8_t>(
        run_op("QLinearConv", 10, {},
               {x, one, xz, w, tensor({2}, {1, 0.5f}), w_zero, one, yz, tensor_of<std::int32_t>({2}, {7, -2})}));
  };
  // Channel 0: 3 * (2 5) + 7; channel 1: (-4 * (2 5) - 2) / 2.
  EXPECT_EQ(run(tensor_of<std::int8_t>({}, {0})), (std::vector<std::uint8_t>{113, 122, 95, 89}));
  EXPECT_EQ(run(tensor_of<std::int8_t>({2}, {1, -2})), (std::vector<std::uint8_t>{111, 117, 97, 94}));
}

}  // namespace
}  // namespace adze::testing
