// Constant in all its forms, ConstantOfShape without a value, tensors without elements.
#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

Tensor constant(const char* name, Attribute value) { return run_op("Constant", 13, {{name, std::move(value)}}, {}); }

TEST(Constant, ShapesAndTypesOfEachForm) {
  const Tensor i = constant("value_int", std::int64_t{-3});
  EXPECT_EQ(i.shape(), Shape());
  EXPECT_EQ(i.as<std::int64_t>()[0], -3);
  const Tensor f = constant("value_float", 2.5f);
  EXPECT_EQ(f.shape(), Shape());
  EXPECT_EQ(f.as<float>()[0], 2.5f);
  EXPECT_EQ(constant("value_ints", std::vector<std::int64_t>{4, 5}).to_ints(), (std::vector<std::int64_t>{4, 5}));
  const Tensor fs = constant("value_floats", std::vector<float>{1, 2, 3});
  EXPECT_EQ(fs.shape(), Shape{3});
  EXPECT_EQ(fs.as<float>()[2], 3);
  EXPECT_EQ(constant("value_ints", std::vector<std::int64_t>()).shape(), Shape{0});
  const Tensor whole = constant("value", tensor({1, 2}, {7, 8}));
  EXPECT_EQ(whole.shape(), (Shape{1, 2}));
  EXPECT_EQ(whole.as<float>()[1], 8);
}

TEST(Constant, OfStringsIsRefused) {
  for (const auto& [name, value] : std::vector<std::pair<const char*, Attribute>>{
           {"value_string", std::string("x")}, {"value_strings", std::vector<std::string>{"x", "y"}}}) {
    const auto refused = try_op("Constant", 13, {{name, value}}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unsupported);
  }
}

TEST(ConstantOfShape, IsFloatZeroUnlessToldOtherwise) {
  const Tensor zeros = run_op("ConstantOfShape", 9, {}, {ints({2, 3})});
  EXPECT_EQ(zeros.type(), DType::f32);
  EXPECT_EQ(zeros.shape(), (Shape{2, 3}));
  for (const float value : zeros.as<float>()) EXPECT_EQ(value, 0);
  const Tensor five = run_op("ConstantOfShape", 9, {{"value", ints({5})}}, {ints({2})});
  EXPECT_EQ(five.to_ints(), (std::vector<std::int64_t>{5, 5}));
  EXPECT_EQ(run_op("ConstantOfShape", 9, {}, {ints({})}).shape(), Shape());
  EXPECT_EQ(run_op("ConstantOfShape", 9, {}, {ints({0, 4})}).shape(), (Shape{0, 4}));
}

TEST(Empty, PassesThroughElementwiseOperators) {
  const Tensor none = Tensor::allocate(DType::f32, {0, 3}).tensor;
  EXPECT_EQ(run_op("Relu", 14, {}, {none}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run_op("Add", 14, {}, {none, tensor({3}, {1, 2, 3})}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run_op("Cast", 13, {{"to", std::int64_t{7}}}, {none}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run_op("Transpose", 13, {}, {none}).shape(), (Shape{3, 0}));
  EXPECT_EQ(run_op("Concat", 13, {{"axis", std::int64_t{0}}}, {none, tensor({1, 3}, {1, 2, 3})}).shape(),
            (Shape{1, 3}));
  EXPECT_EQ(run_op("QuantizeLinear", 13, {}, {none, tensor({}, {1})}).shape(), (Shape{0, 3}));
}

}  // namespace
}  // namespace adze::testing
