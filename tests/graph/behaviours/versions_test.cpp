// Behaviours 7 to 10: what moved or changed its meaning between versions, inputs that are left out, and Clip.
#include <cmath>

#include "tests/support/op_runner.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const Tensor kNone;

AttributeList axis(std::int64_t value) { return {{"axis", value}}; }

// ---- 7: softmax -----------------------------------------------------------------------------------------------------

TEST(Behaviour07, OneAxisFromVersion13AllBehindItBefore) {
  const Tensor zeros = tensor({2, 3, 4}, Floats(24, 0));
  const auto weight = [&](const char* op, int opset, const AttributeList& with) {
    const float first = values<float>(run_op(op, opset, with, {zeros}))[0];
    return std::string(op) == "LogSoftmax" ? std::lround(std::exp(-first)) : std::lround(1 / first);
  };
  for (const char* op : {"Softmax", "LogSoftmax"}) {
    SCOPED_TRACE(op);
    EXPECT_EQ(weight(op, 13, {}), 4);
    EXPECT_EQ(weight(op, 13, axis(1)), 3);
    EXPECT_EQ(weight(op, 13, axis(-3)), 2);
    for (const int opset : {1, 11, 12}) {
      EXPECT_EQ(weight(op, opset, {}), 12);
      EXPECT_EQ(weight(op, opset, axis(0)), 24);
      EXPECT_EQ(weight(op, opset, axis(1)), 12);
      EXPECT_EQ(weight(op, opset, axis(2)), 4);
    }
    EXPECT_EQ(weight(op, 11, axis(-2)), 12);
  }
}

TEST(Behaviour07, HardmaxMarksOneOfAllThatItsVersionTakesTogether) {
  const Tensor x = tensor({1, 2, 2}, {1, 2, 4, 3});
  expect_values(run_op("Hardmax", 11, {}, {x}), {1, 2, 2}, {0, 0, 1, 0});
  expect_values(run_op("Hardmax", 13, {}, {x}), {1, 2, 2}, {0, 1, 1, 0});
  expect_values(run_op("Hardmax", 13, axis(1), {x}), {1, 2, 2}, {0, 0, 1, 1});
}

// ---- 8: attributes that became inputs -------------------------------------------------------------------------------

TEST(Behaviour08, ReductionsTakeAxesAsAttributeThenAsInput) {
  const Tensor x = tensor({2, 2}, {1, 2, 3, 5});
  for (const auto& [op, moved] : std::vector<std::pair<const char*, int>>{{"ReduceSum", 13},
                                                                          {"ReduceMean", 18},
                                                                          {"ReduceMax", 18},
                                                                          {"ReduceMin", 18},
                                                                          {"ReduceProd", 18},
                                                                          {"ReduceL1", 18},
                                                                          {"ReduceL2", 18},
                                                                          {"ReduceLogSum", 18},
                                                                          {"ReduceLogSumExp", 18},
                                                                          {"ReduceSumSquare", 18}}) {
    SCOPED_TRACE(op);
    const Tensor before = run_op(op, moved - 1, {{"axes", Ints{1}}}, {x});
    EXPECT_TRUE(same_bytes(run_op(op, moved, {}, {x, ints({-1})}), before));
    const std::pair<std::string, Attribute> noop = {"noop_with_empty_axes", std::int64_t{1}};
    const Tensor all = run_op(op, moved - 1, {}, {x});
    EXPECT_EQ(all.elements(), 1);
    for (const Tensor& none : {Tensor(), ints({})}) {
      EXPECT_TRUE(same_bytes(run_op(op, moved, {}, {x, none}), all));
      EXPECT_EQ(run_op(op, moved, {noop}, {x, none}).shape(), x.shape());
    }
  }
  EXPECT_TRUE(same_bytes(run_op("ReduceMean", 18, {{"noop_with_empty_axes", std::int64_t{1}}}, {x}), x));
}

TEST(Behaviour08, SplitSliceTopKSqueezeReshapeDropout) {
  const Tensor x = tensor({4}, {4, 3, 2, 1});
  const auto old_split = run_op_outputs("Split", 11, {{"split", Ints{1, 3}}}, {x}, 2);
  const auto new_split = run_op_outputs("Split", 13, {}, {x, ints({1, 3})}, 2);
  EXPECT_TRUE(same_bytes(old_split[1], new_split[1]));
  // Uneven: ceil(4 / 3) each, the rest last. Before version 18 that is an error.
  const auto uneven = run_op_outputs("Split", 18, {{"num_outputs", std::int64_t{3}}}, {x}, 3);
  expect_values(uneven[1], {2}, {2, 1});
  EXPECT_EQ(uneven[2].shape(), Shape{0});
  EXPECT_FALSE(try_op("Split", 13, {}, {x}, 3));
  const Tensor five = tensor({5}, {1, 2, 3, 4, 5});
  EXPECT_EQ(run_op_outputs("Split", 18, {{"num_outputs", std::int64_t{2}}}, {five}, 2)[1].shape(), Shape{2});

  const Tensor sliced = run_op("Slice", 9, {{"starts", Ints{-3}}, {"ends", Ints{100}}, {"axes", Ints{0}}}, {x});
  EXPECT_TRUE(same_bytes(sliced, run_op("Slice", 10, {}, {x, ints({-3}), ints({100}), ints({0})})));
  EXPECT_TRUE(same_bytes(run_op_outputs("TopK", 1, {{"k", std::int64_t{2}}}, {x}, 2)[1],
                         run_op_outputs("TopK", 10, {}, {x, ints({2})}, 2)[1]));
  const Tensor column = tensor({1, 4, 1}, {1, 2, 3, 4});
  EXPECT_TRUE(
      same_bytes(run_op("Squeeze", 11, {{"axes", Ints{0}}}, {column}), run_op("Squeeze", 13, {}, {column, ints({0})})));
  EXPECT_TRUE(same_bytes(run_op("Unsqueeze", 11, {{"axes", Ints{0, -1}}}, {x}),
                         run_op("Unsqueeze", 13, {}, {x, ints({0, -1})})));
  EXPECT_TRUE(
      same_bytes(run_op("Reshape", 1, {{"shape", Ints{2, 2}}}, {x}), run_op("Reshape", 5, {}, {x, ints({2, 2})})));
  EXPECT_TRUE(same_bytes(run_op("Dropout", 10, {{"ratio", 0.9f}}, {x}), x));
  EXPECT_TRUE(same_bytes(run_op("Dropout", 12, {}, {x, tensor({}, {0.9f})}), x));
}

TEST(Behaviour08, TileOneHotExpandAndTheFourierAxisAreInputs) {
  EXPECT_EQ(values<float>(run_op("Tile", 6, {}, {tensor({1, 2}, {1, 2}), ints({2, 1})})), (Floats{1, 2, 1, 2}));
  EXPECT_EQ(values<float>(run_op("Expand", 8, {}, {tensor({2, 1}, {1, 2}), ints({2})})), (Floats{1, 1, 2, 2}));
  const Tensor wave = tensor({1, 4, 1}, {1, 0, -1, 0});
  const Tensor by_attribute = run_op("DFT", 17, {{"axis", std::int64_t{1}}}, {wave});
  const Tensor by_input = run_op("DFT", 20, {}, {wave, kNone, ints({1}).reshaped({})});
  EXPECT_TRUE(same_bytes(by_attribute, by_input));
  expect_values(by_input, {1, 4, 2}, {0, 0, 2, 0, 0, 0, 2, 0});
}

// ---- 9: optional inputs ---------------------------------------------------------------------------------------------

TEST(Behaviour09, InputsLeftOutInTheMiddleAndAtTheEnd) {
  const Tensor a = tensor({1, 2}, {1, 2}), b = tensor({2, 1}, {3, 4});
  expect_values(run_op("Gemm", 11, {}, {a, b}), {1, 1}, {11});
  expect_values(run_op("Gemm", 13, {{"beta", 5.0f}}, {a, b, kNone}), {1, 1}, {11});
  const Tensor image = random_tensor({1, 1, 3}, 1), kernel = random_tensor({1, 1, 2}, 2);
  EXPECT_TRUE(same_bytes(run_op("Conv", 11, {}, {image, kernel, kNone}), run_op("Conv", 11, {}, {image, kernel})));
  EXPECT_TRUE(
      same_bytes(run_op("Conv", 11, {}, {image, kernel, tensor({1}, {0})}), run_op("Conv", 11, {}, {image, kernel})));
  const Tensor x = random_tensor({2, 4}, 3), scale = tensor({4}, {1, 1, 1, 1}), zero = tensor({4}, {0, 0, 0, 0});
  EXPECT_TRUE(same_bytes(run_op("LayerNormalization", 17, {}, {x, scale, kNone}),
                         run_op("LayerNormalization", 17, {}, {x, scale, zero})));
}

TEST(Behaviour09, RecurrentInputsAreZeroOrWholeWhereLeftOut) {
  constexpr std::int64_t kSteps = 3, kBatch = 2, kIn = 2, kHidden = 3;
  const Tensor x = random_tensor({kSteps, kBatch, kIn}, 1), w = random_tensor({1, 4 * kHidden, kIn}, 2),
               r = random_tensor({1, 4 * kHidden, kHidden}, 3);
  const auto zeros = [](const Shape& shape) { return Tensor::allocate(DType::f32, shape).tensor; };
  const Tensor lengths = tensor_of<std::int32_t>({kBatch}, {3, 3});
  const std::vector<Tensor> every = {zeros({1, 8 * kHidden}), lengths, zeros({1, kBatch, kHidden}),
                                     zeros({1, kBatch, kHidden}), zeros({1, 3 * kHidden})};
  const AttributeList size = {{"hidden_size", kHidden}};
  const Tensor want = run_op("LSTM", 14, size, {x, w, r});
  for (unsigned given = 1; given < 32; given++) {
    std::vector<Tensor> inputs = {x, w, r};
    for (unsigned i = 0; i < 5; i++) inputs.push_back(given >> i & 1 ? every[i] : kNone);
    ASSERT_TRUE(same_bytes(run_op("LSTM", 14, size, inputs), want)) << given;
  }
}

// ---- 10: Clip -------------------------------------------------------------------------------------------------------

template <class T>
void expect_clip() {
  const Tensor x = tensor_of<T>({4}, {T(1), T(3), T(5), T(9)}), low = tensor_of<T>({}, {T(3)}),
               high = tensor_of<T>({}, {T(6)});
  using Values = std::vector<T>;
  EXPECT_EQ(values<T>(run_op("Clip", 12, {}, {x, low, high})), (Values{T(3), T(3), T(5), T(6)}));
  EXPECT_EQ(values<T>(run_op("Clip", 13, {}, {x, high, low})), (Values{T(3), T(3), T(3), T(3)})) << "the maximum wins";
  EXPECT_EQ(values<T>(run_op("Clip", 12, {}, {x, kNone, high})), (Values{T(1), T(3), T(5), T(6)}));
  EXPECT_EQ(values<T>(run_op("Clip", 12, {}, {x, low})), (Values{T(3), T(3), T(5), T(9)}));
  EXPECT_EQ(values<T>(run_op("Clip", 12, {}, {x})), (Values{T(1), T(3), T(5), T(9)}));
  EXPECT_EQ(values<T>(run_op("Clip", 12, {}, {x, tensor_of<T>({1}, {T(3)}), tensor_of<T>({1}, {T(6)})})),
            (Values{T(3), T(3), T(5), T(6)}));
}

TEST(Behaviour10, EveryTypeEveryCombinationOfBoundsScalarOrOneElement) {
  expect_clip<float>();
  expect_clip<double>();
  expect_clip<std::int8_t>();
  expect_clip<std::uint8_t>();
  expect_clip<std::int16_t>();
  expect_clip<std::uint16_t>();
  expect_clip<std::int32_t>();
  expect_clip<std::uint32_t>();
  expect_clip<std::int64_t>();
  expect_clip<std::uint64_t>();
}

TEST(Behaviour10, AttributesOfVersion6AndNan) {
  const Tensor x = tensor({3}, {-2, 5, std::nanf("")});
  const auto y = values<float>(run_op("Clip", 6, {{"min", 4.0f}, {"max", 1.0f}}, {x}));
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 1);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_FALSE(try_op("Clip", 12, {}, {x, tensor({2}, {0, 0})})) << "a bound of two elements";
}

}  // namespace
}  // namespace adze::testing
