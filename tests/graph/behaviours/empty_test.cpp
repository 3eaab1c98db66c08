// Behaviour 27: tensors without elements, and scalars.
#include <limits>

#include "tests/support/graph_runner.h"
#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const Tensor kNone;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class T = float>
Tensor empty(const Shape& shape) {
  return Tensor::allocate(dtype_of<T>, shape).tensor;
}
Tensor number(std::int64_t value) { return ints({value}).reshaped({}); }

TEST(Behaviour27, ConcatTakesPartsWithoutElements) {
  const AttributeList first = {{"axis", std::int64_t{0}}};
  expect_values(run_op("Concat", 13, first, {empty({0, 2}), tensor({1, 2}, {1, 2}), empty({0, 2})}), {1, 2}, {1, 2});
  EXPECT_EQ(run_op("Concat", 13, first, {empty({0}), empty({0})}).shape(), Shape{0});
  EXPECT_EQ(run_op("Concat", 13, {{"axis", std::int64_t{1}}}, {empty({0, 2}), empty({0, 3})}).shape(), (Shape{0, 5}));
}

TEST(Behaviour27, ReductionsOverNothingGiveTheirNeutralElement) {
  const Tensor x = empty({2, 0});
  const std::vector<std::tuple<const char*, int, float>> cases = {{"ReduceSum", 13, 0},
                                                                  {"ReduceProd", 18, 1},
                                                                  {"ReduceMax", 20, -kInfinity},
                                                                  {"ReduceMin", 20, kInfinity},
                                                                  {"ReduceL1", 18, 0},
                                                                  {"ReduceL2", 18, 0},
                                                                  {"ReduceSumSquare", 18, 0},
                                                                  {"ReduceLogSum", 18, -kInfinity},
                                                                  {"ReduceLogSumExp", 18, -kInfinity}};
  for (const auto& [op, opset, neutral] : cases) {
    EXPECT_EQ(values<float>(run_op(op, opset, {}, {x, ints({1})})), (Floats{neutral, neutral})) << op;
    EXPECT_EQ(run_op(op, opset, {{"keepdims", std::int64_t{0}}}, {x, ints({0})}).shape(), Shape{0}) << op;
  }
  EXPECT_EQ(values<std::int8_t>(run_op("ReduceMax", 20, {}, {empty<std::int8_t>({1, 0}), ints({1})})),
            (std::vector<std::int8_t>{-128}));
  EXPECT_EQ(values<std::uint8_t>(run_op("ReduceMin", 20, {}, {empty<std::uint8_t>({1, 0}), ints({1})})),
            (std::vector<std::uint8_t>{255}));
  EXPECT_EQ(values<bool>(run_op("ReduceMax", 20, {}, {empty<bool>({1, 0}), ints({1})})), (std::vector<bool>{false}));
  EXPECT_EQ(values<bool>(run_op("ReduceMin", 20, {}, {empty<bool>({1, 0}), ints({1})})), (std::vector<bool>{true}));
  EXPECT_FALSE(try_op("ArgMax", 13, {{"axis", std::int64_t{1}}}, {x})) << "there is no index";
  EXPECT_EQ(run_op("ArgMax", 13, {}, {empty({3, 0})}).shape(), (Shape{1, 0}));
}

TEST(Behaviour27, ProductsOverNothingAreZeroAndOfNothingAreEmpty) {
  expect_values(run_op("MatMul", 13, {}, {empty({2, 0}), empty({0, 2})}), {2, 2}, {0, 0, 0, 0});
  EXPECT_EQ(run_op("MatMul", 13, {}, {empty({0, 2}), tensor({2, 1}, {1, 2})}).shape(), (Shape{0, 1}));
  EXPECT_EQ(run_op("MatMul", 13, {}, {empty({0, 3, 2}), tensor({2, 1}, {1, 2})}).shape(), (Shape{0, 3, 1}));
  expect_values(run_op("Gemm", 13, {}, {empty({1, 0}), empty({0, 2}), tensor({2}, {3, 4})}), {1, 2}, {3, 4});
  expect_values(run_op("Einsum", 12, {{"equation", std::string("ij,jk->ik")}}, {empty({1, 0}), empty({0, 2})}), {1, 2},
                {0, 0});
}

TEST(Behaviour27, ProductsOfVectors) {
  const Tensor v = tensor({2}, {1, 10}), m = tensor({2, 2}, {1, 2, 3, 4});
  expect_values(run_op("MatMul", 13, {}, {v, v}), {}, {101});
  expect_values(run_op("MatMul", 13, {}, {v, m}), {2}, {31, 42});
  expect_values(run_op("MatMul", 13, {}, {m, v}), {2}, {21, 43});
  expect_values(run_op("MatMul", 13, {}, {v, m.reshaped({1, 2, 2})}), {1, 2}, {31, 42});
  EXPECT_FALSE(try_op("MatMul", 13, {}, {tensor({}, {1}), v})) << "a scalar is no matrix";
}

TEST(Behaviour27, GemmBiasOfEveryShapeThatBroadcasts) {
  const Tensor a = tensor({2, 1}, {1, 2}), b = tensor({1, 2}, {3, 4});
  expect_values(run_op("Gemm", 13, {}, {a, b, tensor({}, {10})}), {2, 2}, {13, 14, 16, 18});
  expect_values(run_op("Gemm", 13, {}, {a, b, tensor({1}, {10})}), {2, 2}, {13, 14, 16, 18});
  expect_values(run_op("Gemm", 13, {}, {a, b, tensor({1, 1}, {10})}), {2, 2}, {13, 14, 16, 18});
  expect_values(run_op("Gemm", 13, {}, {a, b, tensor({2, 1}, {10, 20})}), {2, 2}, {13, 14, 26, 28});
  expect_values(run_op("Gemm", 13, {}, {a, b, tensor({2}, {10, 20})}), {2, 2}, {13, 24, 16, 28});
}

TEST(Behaviour27, SqueezeOfAllAndBackFromAScalar) {
  EXPECT_EQ(run_op("Squeeze", 13, {}, {tensor({1, 1}, {5})}).shape(), Shape{});
  EXPECT_EQ(run_op("Squeeze", 13, {}, {empty({1, 0, 1})}).shape(), Shape{0});
  EXPECT_EQ(run_op("Unsqueeze", 13, {}, {tensor({}, {5}), ints({0, 1})}).shape(), (Shape{1, 1}));
  EXPECT_EQ(run_op("Flatten", 13, {{"axis", std::int64_t{0}}}, {tensor({}, {5})}).shape(), (Shape{1, 1}));
  EXPECT_EQ(run_op("Flatten", 13, {{"axis", std::int64_t{2}}}, {empty({0, 2, 3})}).shape(), (Shape{0, 3}));
}

TEST(Behaviour27, ElementwiseOperatorsTakeScalarsAndNothing) {
  for (const auto& [op, opset] : std::vector<std::pair<const char*, int>>{
           {"Relu", 14},    {"Sigmoid", 13}, {"Tanh", 13},       {"Erf", 13},        {"Neg", 13},
           {"Abs", 13},     {"Exp", 13},     {"Log", 13},        {"Sqrt", 13},       {"Floor", 13},
           {"Ceil", 13},    {"Round", 11},   {"Sign", 13},       {"Reciprocal", 13}, {"Identity", 13},
           {"Softplus", 1}, {"Softsign", 1}, {"HardSigmoid", 6}, {"HardSwish", 14},  {"Elu", 6},
           {"Gelu", 20},    {"Mish", 18},    {"LeakyRelu", 16},  {"Clip", 13},       {"Sin", 7},
           {"Cos", 7},      {"Dropout", 13}, {"Max", 13},        {"Sum", 13}}) {
    EXPECT_EQ(run_op(op, opset, {}, {empty({0, 3})}).shape(), (Shape{0, 3})) << op;
    EXPECT_EQ(run_op(op, opset, {}, {tensor({}, {1})}).shape(), Shape{}) << op;
  }
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu"}) {
    const Tensor one = tensor({1}, {1});
    EXPECT_EQ(run_op(op, 16, {}, {empty({2, 0}), one}).shape(), (Shape{2, 0})) << op;
    EXPECT_EQ(run_op(op, 16, {}, {empty({0, 3}), tensor({3}, {1, 2, 3})}).shape(), (Shape{0, 3})) << op;
    EXPECT_EQ(run_op(op, 16, {}, {tensor({}, {4}), tensor({}, {2})}).shape(), Shape{}) << op;
  }
  EXPECT_EQ(run_op("Where", 16, {}, {empty<bool>({0, 1}), tensor({3}, {1, 2, 3}), tensor({1}, {9})}).shape(),
            (Shape{0, 3}));
  EXPECT_FALSE(try_op("Add", 14, {}, {empty({0}), tensor({2}, {1, 2})}));
}

TEST(Behaviour27, NetworksTakeABatchOfNothing) {
  const Tensor images = empty({0, 2, 4, 4}), w = random_tensor({3, 2, 3, 3}, 1);
  const AttributeList window = {{"kernel_shape", Ints{2, 2}}};
  EXPECT_EQ(run_op("Conv", 11, {}, {images, w}).shape(), (Shape{0, 3, 2, 2}));
  EXPECT_EQ(run_op("ConvTranspose", 11, {}, {images, random_tensor({2, 3, 2, 2}, 1)}).shape(), (Shape{0, 3, 5, 5}));
  EXPECT_EQ(run_op("MaxPool", 12, window, {images}).shape(), (Shape{0, 2, 3, 3}));
  EXPECT_EQ(run_op("AveragePool", 11, window, {images}).shape(), (Shape{0, 2, 3, 3}));
  EXPECT_EQ(run_op("GlobalAveragePool", 1, {}, {images}).shape(), (Shape{0, 2, 1, 1}));
  const Tensor one = tensor({2}, {1, 1});
  EXPECT_EQ(run_op("BatchNormalization", 15, {}, {images, one, one, one, one}).shape(), images.shape());
  EXPECT_EQ(run_op("InstanceNormalization", 6, {}, {images, one, one}).shape(), images.shape());
  EXPECT_EQ(run_op("LayerNormalization", 17, {}, {empty({0, 2}), one, one}).shape(), (Shape{0, 2}));
  EXPECT_EQ(run_op("Softmax", 13, {}, {empty({2, 0})}).shape(), (Shape{2, 0}));
  EXPECT_EQ(run_op("Resize", 13, {}, {images, kNone, tensor({4}, {1, 1, 2, 2})}).shape(), (Shape{0, 2, 8, 8}));
  EXPECT_EQ(run_op("LRN", 13, {{"size", std::int64_t{3}}}, {images}).shape(), images.shape());
}

TEST(Behaviour27, MovementOfNothing) {
  EXPECT_EQ(run_op("Transpose", 13, {{"perm", Ints{1, 2, 0}}}, {empty({2, 0, 3})}).shape(), (Shape{0, 3, 2}));
  EXPECT_EQ(run_op("Gather", 13, {}, {tensor({2, 1}, {1, 2}), ints({})}).shape(), (Shape{0, 1}));
  EXPECT_EQ(run_op("GatherElements", 13, {}, {tensor({2, 1}, {1, 2}), empty<std::int64_t>({0, 1})}).shape(),
            (Shape{0, 1}));
  EXPECT_EQ(run_op("GatherND", 13, {}, {tensor({2, 1}, {1, 2}), empty<std::int64_t>({0, 1})}).shape(), (Shape{0, 1}));
  EXPECT_FALSE(try_op("Gather", 13, {}, {empty({0, 1}), ints({0})}));
  expect_values(run_op("ScatterND", 16, {}, {tensor({2}, {1, 2}), empty<std::int64_t>({0, 1}), empty({0})}), {2},
                {1, 2});
  expect_values(run_op("ScatterElements", 16, {}, {tensor({2}, {1, 2}), ints({}), empty({0})}), {2}, {1, 2});
  EXPECT_EQ(run_op("Tile", 13, {}, {tensor({2}, {1, 2}), ints({0})}).shape(), Shape{0});
  EXPECT_EQ(run_op("Slice", 13, {}, {empty({0, 2}), ints({0}), ints({9})}).shape(), (Shape{0, 2}));
  expect_values(run_op("Pad", 13, {}, {empty({0, 1}), ints({1, 0, 1, 0}), tensor({}, {7})}), {2, 1}, {7, 7});
  EXPECT_EQ(run_op_outputs("Split", 13, {}, {tensor({2}, {1, 2}), ints({2, 0})}, 2)[1].shape(), Shape{0});
  EXPECT_EQ(run_op_outputs("TopK", 11, {}, {empty({2, 3}), ints({0})}, 2)[1].shape(), (Shape{2, 0}));
  EXPECT_EQ(run_op("NonZero", 13, {}, {tensor({2, 2}, {0, 0, 0, 0})}).shape(), (Shape{2, 0}));
  EXPECT_EQ(run_op("NonZero", 13, {}, {empty({0})}).shape(), (Shape{1, 0}));
  EXPECT_EQ(run_op("CumSum", 14, {}, {empty({2, 0}), number(1)}).shape(), (Shape{2, 0}));
  EXPECT_EQ(run_op("OneHot", 11, {}, {ints({}), ints({3}), tensor({2}, {0, 1})}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run_op("Expand", 13, {}, {tensor({1, 3}, {1, 2, 3}), ints({0, 3})}).shape(), (Shape{0, 3}));
  EXPECT_EQ(run_op("Cast", 13, {{"to", std::int64_t{7}}}, {empty({0, 2})}).shape(), (Shape{0, 2}));
  EXPECT_EQ(run_op("Range", 11, {}, {number(5), number(5), number(1)}).shape(), Shape{0});
  EXPECT_EQ(run_op("Range", 11, {}, {number(5), number(1), number(1)}).shape(), Shape{0});
  EXPECT_EQ(run_op("Size", 13, {}, {empty({0, 5})}).to_ints(), Ints{0});
  EXPECT_EQ(run_op("Shape", 13, {}, {empty({0, 5})}).to_ints(), (Ints{0, 5}));
  EXPECT_EQ(run_op("Shape", 13, {}, {tensor({}, {1})}).shape(), Shape{0});
}

TEST(Behaviour27, AWholeModelRunsOnNothing) {
  ModelBuilder m;
  m.input("x", {-1, 1, 4, 4}).output("y");
  m.initializer("w", random_tensor({2, 1, 3, 3}, 1)).initializer("fc", random_tensor({8, 3}, 2));
  m.node("Conv", {"x", "w"}, {"c"});
  m.node("Relu", {"c"}, {"r"});
  m.node("Flatten", {"r"}, {"f"});
  m.node("MatMul", {"f", "fc"}, {"p"});
  m.node("Softmax", {"p"}, {"y"});
  EXPECT_EQ(run_model(m, {empty({0, 1, 4, 4})})[0].shape(), (Shape{0, 3}));
}

}  // namespace
}  // namespace adze::testing
