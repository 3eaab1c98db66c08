// Operators in every element type that they allow, on small whole numbers: the result must be f32's, to within the
// type's precision, and cut to its whole part in integers.
#include <cmath>

#include "graph/graph.h"
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;

struct Case {
  const char* op;
  int opset;
  std::vector<Shape> inputs;  // in the type under test
  AttributeList attributes = {};
  std::vector<Tensor> further = {};  // as they are
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.op; }

const std::vector<Case> kCases = {
    {"Conv", 22, {{1, 4, 5, 4}, {4, 2, 3, 3}, {4}}, {{"group", std::int64_t{2}}, {"pads", Ints{1, 0, 0, 1}}}},
    {"Conv", 22, {{2, 3, 6}, {3, 1, 2}}, {{"group", std::int64_t{3}}, {"strides", Ints{2}}, {"dilations", Ints{2}}}},
    {"ConvTranspose", 22, {{1, 2, 3, 3}, {2, 2, 3, 2}, {2}}, {{"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 0, 1}}}},
    {"ConvTranspose", 22, {{1, 4, 3}, {4, 1, 2}}, {{"group", std::int64_t{2}}, {"dilations", Ints{2}}}},
    {"MaxPool", 22, {{1, 2, 4, 5}}, {{"kernel_shape", Ints{2, 3}}, {"pads", Ints{1, 0, 0, 1}}}},
    {"AveragePool", 22, {{1, 2, 4, 5}}, {{"kernel_shape", Ints{2, 3}}, {"pads", Ints{1, 0, 0, 1}}}},
    {"LpPool", 22, {{1, 2, 4, 5}}, {{"kernel_shape", Ints{2, 3}}}},
    {"GlobalAveragePool", 22, {{1, 2, 4, 5}}},
    {"GlobalMaxPool", 22, {{1, 2, 4, 5}}},
    {"Gemm", 13, {{3, 4}, {4, 5}, {5}}},
    {"MatMul", 13, {{2, 3, 4}, {4, 5}}},
    {"Einsum", 12, {{3, 4}, {4, 5}}, {{"equation", std::string("ij,jk->ki")}}},
    {"BatchNormalization", 15, {{1, 3, 4}, {3}, {3}, {3}, {3}}},
    {"InstanceNormalization", 22, {{1, 2, 4}, {2}, {2}}},
    {"LayerNormalization", 17, {{2, 4}, {4}, {4}}},
    {"GroupNormalization", 21, {{1, 4, 3}, {4}, {4}}, {{"num_groups", std::int64_t{2}}}},
    {"RMSNormalization", 23, {{2, 4}, {4}}},
    {"LRN", 13, {{1, 4, 3}}, {{"size", std::int64_t{3}}}},
    {"Softmax", 13, {{2, 5}}},
    {"LogSoftmax", 13, {{2, 5}}},
    {"Resize", 19, {{1, 1, 2, 3}}, {{"mode", std::string("nearest")}}, {Tensor(), tensor({4}, {1, 1, 2, 2})}},
    {"GridSample",
     22,
     {{1, 2, 3, 3}},
     {{"mode", std::string("nearest")}},
     {tensor({1, 1, 2, 2}, {-0.7f, 0.1f, 0.6f, -0.2f})}},
    {"DepthToSpace", 13, {{1, 4, 2, 2}}, {{"blocksize", std::int64_t{2}}}},
    {"Transpose", 13, {{2, 3}}},
    {"Concat", 13, {{2, 3}, {1, 3}}, {{"axis", std::int64_t{0}}}},
    {"ReduceSum", 13, {{2, 5}}},
    {"ReduceMax", 20, {{2, 5}}},
    {"CumSum", 14, {{5}}, {}, {ints({0}).reshaped({})}},
    {"Clip", 13, {{6}, {}, {}}},
    {"Erf", 13, {{6}}},
    {"Relu", 14, {{6}}},
    {"Add", 14, {{2, 3}, {3}}},
    {"Max", 13, {{2, 3}, {3}}},
    {"PRelu", 16, {{2, 3}, {3}}},
    {"Pow", 15, {{2, 3}, {3}}},
};

Tensor cast(const Tensor& tensor, DType to) {
  return run_op("Cast", 21, {{"to", static_cast<std::int64_t>(to)}}, {tensor});
}

// 0 to 3 in an order without a pattern.
Tensor small_numbers(const Shape& shape, std::size_t input) {
  auto made = Tensor::allocate(DType::f32, shape);
  Random random(input + 1);
  for (std::int64_t i = 0; i < shape.elements(); i++) made.as<float>()[i] = static_cast<float>(random.below(4));
  return made.tensor;
}

Tensor run_in(const Case& c, DType type) {
  std::vector<Tensor> inputs;
  for (const Shape& shape : c.inputs) inputs.push_back(cast(small_numbers(shape, inputs.size()), type));
  inputs.insert(inputs.end(), c.further.begin(), c.further.end());
  return run_op(c.op, c.opset, c.attributes, inputs);
}

class ElementTypes : public ::testing::TestWithParam<Case> {};

TEST_P(ElementTypes, GiveTheResultOfF32) {
  const Case& c = GetParam();
  const TypeMask allowed = allowed_types(*find_op("", c.op), 0);
  ASSERT_TRUE(allowed & mask_of(DType::f32));
  const Tensor want = run_in(c, DType::f32);
  for (const DType type : {DType::f64, DType::f16, DType::bf16, DType::u8, DType::i8, DType::u16, DType::i16,
                           DType::u32, DType::i32, DType::u64, DType::i64}) {
    if (!(allowed & mask_of(type))) continue;
    SCOPED_TRACE(name_of(type));
    const Tensor made = run_in(c, type);
    EXPECT_EQ(made.type(), type);
    ASSERT_EQ(to_string(made.shape()), to_string(want.shape()));
    const Tensor got = cast(made, DType::f32);
    const float precision = type == DType::f16 ? 0x1p-10f : type == DType::bf16 ? 0x1p-7f : 1e-6f;
    for (std::size_t i = 0; i < want.as<float>().size(); i++) {
      const float value = is_float(type) ? want.as<float>()[i] : std::trunc(want.as<float>()[i]);
      EXPECT_NEAR(got.as<float>()[i], value, precision * std::max(1.0f, std::fabs(value))) << "element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, ElementTypes, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.op + std::to_string(test.index); });

// What allows the same types must have one type, or a kernel would read one element size as another.
TEST(ElementTypes, RefusesMixedOperands) {
  const Tensor single = tensor({2, 2}, {1, 2, 3, 4}), half = cast(single, DType::f16);
  for (const char* op : {"Add", "Max", "MatMul", "Gemm", "PRelu", "Equal", "Einsum"}) {
    const auto result = try_op(op, 13, {{"equation", std::string("ij,jk->ik")}}, {single, half});
    ASSERT_FALSE(result) << op;
    EXPECT_EQ(result.error().code, Code::invalid_model) << result.error().message;
  }
  EXPECT_TRUE(try_op("Pow", 13, {}, {single, half}).has_value());
}

TEST(Attention, AddsAMaskOfIntegers) {
  const Tensor q = tensor({1, 1, 1, 1}, {1}), k = tensor({1, 1, 2, 1}, {1, 1}), v = tensor({1, 1, 2, 1}, {2, 4});
  const Tensor mask = tensor_of<std::int32_t>({1, 2}, {0, -100});
  EXPECT_NEAR(run_op("Attention", 23, {}, {q, k, v, mask}).as<float>()[0], 2, 1e-6f);
}

}  // namespace
}  // namespace adze::testing
