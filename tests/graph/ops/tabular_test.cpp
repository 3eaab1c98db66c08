// ai.onnx.ml but for trees: maps of features, encoders, linear models and support vector machines.
#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"

namespace adze::testing {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
const float kNan = std::numeric_limits<float>::quiet_NaN();

Floats values(const Tensor& t) { return {t.as<float>().begin(), t.as<float>().end()}; }
Ints labels(const Tensor& t) { return {t.as<std::int64_t>().begin(), t.as<std::int64_t>().end()}; }
Tensor matrix(std::int64_t rows, std::int64_t columns, const Ints& values) {
  return Tensor::from<std::int64_t>({rows, columns}, values);
}
void expect_near(const Tensor& found, const Floats& expected) {
  ASSERT_EQ(values(found).size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); i++) EXPECT_NEAR(values(found)[i], expected[i], 1e-6f) << i;
}

// ---- features -------------------------------------------------------------------------------------------------------

TEST(Scaler, PerColumnOrForAll) {
  const Tensor x = tensor({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(values(run_op("Scaler", 1, {{"offset", Floats{1, 2}}, {"scale", Floats{2, 0.5f}}}, {x})),
            (Floats{0, 0, 4, 1}));
  EXPECT_EQ(values(run_op("Scaler", 1, {{"offset", Floats{1}}, {"scale", Floats{2}}}, {matrix(2, 2, {1, 2, 3, 4})})),
            (Floats{0, 2, 4, 6}));
  EXPECT_FALSE(try_op("Scaler", 1, {{"offset", Floats{1, 2, 3}}}, {x}));
}

TEST(Normalizer, OfMagnitudesRowByRow) {
  const Tensor x = tensor({3, 2}, {3, -4, 0, 0, 1, 1});
  const auto with = [&](const std::string& norm) { return run_op("Normalizer", 1, {{"norm", norm}}, {x}); };
  const float half = std::sqrt(0.5f);
  expect_near(with("L2"), {0.6f, -0.8f, 0, 0, half, half});
  expect_near(with("L1"), {3 / 7.0f, -4 / 7.0f, 0, 0, 0.5f, 0.5f});
  expect_near(with("MAX"), {0.75f, -1, 0, 0, 1, 1});
  EXPECT_FALSE(try_op("Normalizer", 1, {{"norm", std::string("L3")}}, {x}));
  EXPECT_FALSE(try_op("Normalizer", 1, {}, {tensor({1, 1, 2}, {1, 2})}));
}

TEST(Binarizer, OneAboveTheThreshold) {
  const AttributeList threshold = {{"threshold", 1.5f}};
  EXPECT_EQ(values(run_op("Binarizer", 1, threshold, {tensor({4}, {1, 1.5f, 2, kNan})})), (Floats{0, 0, 1, 0}));
  EXPECT_EQ(labels(run_op("Binarizer", 1, threshold, {ints({1, 2})})), (Ints{0, 1}));
}

TEST(Imputer, ReplacesOneValuePerColumn) {
  const AttributeList nan = {{"imputed_value_floats", Floats{7, 8}}, {"replaced_value_float", kNan}};
  EXPECT_EQ(values(run_op("Imputer", 1, nan, {tensor({2, 2}, {1, kNan, kNan, 0})})), (Floats{1, 8, 7, 0}));
  const AttributeList zero = {{"imputed_value_int64s", Ints{5}}};
  EXPECT_EQ(labels(run_op("Imputer", 1, zero, {matrix(2, 2, {0, 1, 2, 0})})), (Ints{5, 1, 2, 5}));
  const Tensor narrow = Tensor::from<std::int32_t>({1, 1}, std::vector<std::int32_t>{0});
  EXPECT_FALSE(try_op("Imputer", 1, {{"imputed_value_int64s", Ints{Ints::value_type{1} << 40}}}, {narrow}));
  EXPECT_FALSE(try_op("Imputer", 1, nan, {matrix(1, 2, {0, 0})}));  // floats don't serve integers
}

TEST(ArrayFeatureExtractor, ColumnsInTheOrderOfTheIndices) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor y = run_op("ArrayFeatureExtractor", 1, {}, {x, ints({2, 0})});
  EXPECT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_EQ(values(y), (Floats{3, 1, 6, 4}));
  EXPECT_EQ(run_op("ArrayFeatureExtractor", 1, {}, {ints({7, 8, 9}), ints({1})}).shape(), (Shape{1, 1}));
  EXPECT_FALSE(try_op("ArrayFeatureExtractor", 1, {}, {x, ints({3})}));
  EXPECT_FALSE(try_op("ArrayFeatureExtractor", 1, {}, {x, ints({-1})}));
}

TEST(FeatureVectorizer, CutsAndPads) {
  const Tensor a = tensor({2, 2}, {1, 2, 3, 4}), b = matrix(2, 1, {5, 6});
  EXPECT_EQ(values(run_op("FeatureVectorizer", 1, {{"inputdimensions", Ints{1, 2}}}, {a, b})),
            (Floats{1, 5, 0, 3, 6, 0}));
  EXPECT_EQ(values(run_op("FeatureVectorizer", 1, {}, {b, a})), (Floats{5, 1, 2, 6, 3, 4}));
  EXPECT_FALSE(try_op("FeatureVectorizer", 1, {}, {a, ints({5})}));
}

// ---- encoders -------------------------------------------------------------------------------------------------------

TEST(OneHotEncoder, AtTheCategorysPlace) {
  const AttributeList categories = {{"cats_int64s", Ints{5, 3}}};
  const Tensor y = run_op("OneHotEncoder", 1, categories, {ints({3, 5, 4})});
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_EQ(values(y), (Floats{0, 1, 1, 0, 0, 0}));
  EXPECT_EQ(values(run_op("OneHotEncoder", 1, categories, {tensor({3}, {3.9f, kNan, 1e30f})})),
            (Floats{0, 1, 0, 0, 0, 0}));
  EXPECT_FALSE(try_op("OneHotEncoder", 1, {{"cats_int64s", Ints{5, 3}}, {"zeros", std::int64_t{0}}}, {ints({4})}));
  EXPECT_FALSE(try_op("OneHotEncoder", 1, {{"cats_strings", std::vector<std::string>{"a"}}}, {ints({4})}));
}

TEST(LabelEncoder, BetweenNumbers) {
  const AttributeList to_floats = {{"keys_int64s", Ints{3, 1, 3}}, {"values_floats", Floats{30, 10, 33}}};
  const Tensor y = run_op("LabelEncoder", 2, to_floats, {ints({1, 3, 2})});
  EXPECT_EQ(values(y), (Floats{10, 33, 0}));  // of a repeated key the last counts
  EXPECT_TRUE(std::signbit(values(y)[2]));
  const AttributeList to_ints = {
      {"keys_floats", Floats{kNan, 2.5f}}, {"values_int64s", Ints{7, 8}}, {"default_int64", std::int64_t{9}}};
  EXPECT_EQ(labels(run_op("LabelEncoder", 4, to_ints, {tensor({3}, {2.5f, -kNan, 2.4f})})), (Ints{8, 7, 9}));
}

TEST(LabelEncoder, TensorsForKeysAndValues) {
  const auto shorts = [](std::vector<std::int16_t> v) {
    return Tensor::from<std::int16_t>({static_cast<std::int64_t>(v.size())}, v);
  };
  const AttributeList attributes = {{"keys_tensor", shorts({4, -2})},
                                    {"values_tensor", Tensor::from<double>({2}, std::vector<double>{0.1, 0.2})},
                                    {"default_tensor", Tensor::from<double>({1}, std::vector<double>{0.3})}};
  const Tensor y = run_op("LabelEncoder", 4, attributes, {shorts({-2, 4, 0})});
  EXPECT_EQ(std::vector<double>(y.as<double>().begin(), y.as<double>().end()), (std::vector<double>{0.2, 0.1, 0.3}));
  EXPECT_FALSE(try_op("LabelEncoder", 4, attributes, {ints({4})}));  // the keys have another type
}

TEST(LabelEncoder, RefusesWhatDoesntFit) {
  const Tensor x = ints({1});
  EXPECT_FALSE(try_op("LabelEncoder", 2, {{"keys_int64s", Ints{1, 2}}, {"values_int64s", Ints{1}}}, {x}));
  EXPECT_FALSE(try_op("LabelEncoder", 2, {{"values_int64s", Ints{1}}}, {x}));
  EXPECT_FALSE(try_op("LabelEncoder", 2,
                      {{"keys_int64s", Ints{1}}, {"keys_floats", Floats{1}}, {"values_int64s", Ints{1}}}, {x}));
  const auto text =
      try_op("LabelEncoder", 2, {{"keys_strings", std::vector<std::string>{"a"}}, {"values_int64s", Ints{1}}}, {x});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::unsupported);
}

// ---- linear models --------------------------------------------------------------------------------------------------

TEST(LinearRegressor, TargetsSideBySide) {
  const AttributeList attributes = {
      {"coefficients", Floats{1, 2, 3, 4}}, {"intercepts", Floats{0.5f, -1}}, {"targets", std::int64_t{2}}};
  EXPECT_EQ(values(run_op("LinearRegressor", 1, attributes, {matrix(2, 2, {1, 1, 1, -1})})),
            (Floats{3.5f, 6, -0.5f, -2}));
  EXPECT_FALSE(try_op("LinearRegressor", 1, attributes, {matrix(1, 3, {1, 1, 1})}));
}

AttributeList linear(Floats coefficients, Ints classes, const std::string& transform) {
  return {{"coefficients", std::move(coefficients)},
          {"classlabels_ints", std::move(classes)},
          {"post_transform", transform}};
}

TEST(LinearClassifier, EveryTransform) {
  // Scores are the features themselves.
  const Floats identity = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const Tensor x = tensor({1, 3}, {0.25f, 0.75f, 0});
  const auto scores = [&](const std::string& transform) {
    const auto y = run_op_outputs("LinearClassifier", 1, linear(identity, {4, 5, 6}, transform), {x}, 2);
    EXPECT_EQ(labels(y[0]), (Ints{5})) << transform;
    return y[1];
  };
  const float a = std::exp(0.25f), b = std::exp(0.75f);
  const auto sigmoid = [](float s) { return 1 / (1 + std::exp(-s)); };
  EXPECT_EQ(values(scores("NONE")), (Floats{0.25f, 0.75f, 0}));
  expect_near(scores("SOFTMAX"), {a / (a + b + 1), b / (a + b + 1), 1 / (a + b + 1)});
  expect_near(scores("SOFTMAX_ZERO"), {a / (a + b), b / (a + b), 0});
  expect_near(scores("LOGISTIC"), {sigmoid(0.25f), sigmoid(0.75f), 0.5f});
  const Floats probit = values(scores("PROBIT"));
  EXPECT_NEAR(probit[1], 0.67449f, 2e-3f);  // the approximation's own error
  EXPECT_FLOAT_EQ(probit[0], -probit[1]);
  EXPECT_EQ(probit[2], 0);
  EXPECT_FALSE(try_op("LinearClassifier", 1, linear(identity, {4, 5, 6}, "CUBE"), {x}, 2));
  EXPECT_FALSE(try_op("LinearClassifier", 1, linear(identity, {4, 5}, "NONE"), {x}, 2));
  EXPECT_FALSE(try_op("LinearClassifier", 1, linear(identity, {}, "NONE"), {x}, 2));
}

TEST(LinearClassifier, OneScore) {
  const Tensor x = tensor({3, 1}, {-2, 0, 2});
  auto y = run_op_outputs("LinearClassifier", 1, linear({1}, {4, 5}, "NONE"), {x}, 2);
  EXPECT_EQ(labels(y[0]), (Ints{4, 4, 5}));
  EXPECT_EQ(values(y[1]), (Floats{2, -2, 0, 0, -2, 2}));
  y = run_op_outputs("LinearClassifier", 1, linear({1}, {5}, "LOGISTIC"), {x}, 2);
  EXPECT_EQ(labels(y[0]), (Ints{0, 5, 5}));
  EXPECT_EQ(y[1].shape(), (Shape{3, 1}));
}

// ---- support vector machines ----------------------------------------------------------------------------------------

AttributeList svm_regressor(const std::string& kernel) {
  return {{"kernel_type", kernel},         {"kernel_params", Floats{0.5f, 1, 2}},
          {"n_supports", std::int64_t{2}}, {"support_vectors", Floats{1, 2, 0, -1}},
          {"coefficients", Floats{2, -3}}, {"rho", Floats{0.25f}}};
}

TEST(SvmRegressor, EveryKernel) {
  const Tensor x = tensor({1, 2}, {3, 1});  // products 5 and -1, squared distances 5 and 13
  const auto with = [&](const std::string& kernel) {
    return values(run_op("SVMRegressor", 1, svm_regressor(kernel), {x}))[0];
  };
  EXPECT_FLOAT_EQ(with("LINEAR"), 2 * 5 + 3 + 0.25f);
  EXPECT_FLOAT_EQ(with("POLY"), 2 * 3.5f * 3.5f - 3 * 0.25f + 0.25f);
  EXPECT_FLOAT_EQ(with("RBF"), 2 * std::exp(-2.5f) - 3 * std::exp(-6.5f) + 0.25f);
  EXPECT_FLOAT_EQ(with("SIGMOID"), 2 * std::tanh(3.5f) - 3 * std::tanh(0.5f) + 0.25f);
  AttributeList one_class = svm_regressor("LINEAR");
  one_class.emplace_back("one_class", std::int64_t{1});
  EXPECT_EQ(values(run_op("SVMRegressor", 1, one_class, {tensor({2, 2}, {3, 1, -3, 0})})), (Floats{1, -1}));
  EXPECT_EQ(values(run_op("SVMRegressor", 1, {{"coefficients", Floats{1, 2}}, {"rho", Floats{3}}}, {x})), Floats{8});
}

// Three classes with one support vector each: the kernels are the features.
AttributeList svm_classifier() {
  return {{"classlabels_ints", Ints{4, 5, 6}},
          {"vectors_per_class", Ints{1, 1, 1}},
          {"support_vectors", Floats{1, 0, 0, 0, 1, 0, 0, 0, 1}},
          {"coefficients", Floats{1, -1, -2, 2, 3, -3}},
          {"rho", Floats{0.5f, 0, -1}}};
}

TEST(SvmClassifier, DecidesBetweenPairs) {
  const Tensor x = tensor({2, 3}, {3, 1, 0, 0, 2, 1});
  // (0,1): x0 - x1 + 0.5, (0,2): 2 x0 - 2 x2, (1,2): 3 x1 - 3 x2 - 1
  const auto y = run_op_outputs("SVMClassifier", 1, svm_classifier(), {x}, 2);
  EXPECT_EQ(values(y[1]), (Floats{2.5f, 6, 2, -1.5f, -2, 2}));
  EXPECT_EQ(labels(y[0]), (Ints{4, 5}));
}

TEST(SvmClassifier, Probabilities) {
  AttributeList attributes = svm_classifier();
  attributes.emplace_back("prob_a", Floats{-1, -1, -1});
  attributes.emplace_back("prob_b", Floats{0, 0, 0});
  const auto y = run_op_outputs("SVMClassifier", 1, attributes, {tensor({2, 3}, {3, 1, 0, 0, 2, 1})}, 2);
  EXPECT_EQ(y[1].shape(), (Shape{2, 3}));
  const Floats p = values(y[1]);
  for (std::size_t row = 0; row < 2; row++) EXPECT_NEAR(p[3 * row] + p[3 * row + 1] + p[3 * row + 2], 1, 1e-6f);
  EXPECT_TRUE(p[0] > p[1] && p[1] > p[2]);
  EXPECT_TRUE(p[4] > p[5] && p[5] > p[3]);
  // Pairs that agree with some probabilities give them back: here all pairs are even.
  attributes[4] = {"rho", Floats{0, 0, 0}};
  for (const float even : values(run_op_outputs("SVMClassifier", 1, attributes, {tensor({1, 3}, {1, 1, 1})}, 2)[1])) {
    EXPECT_NEAR(even, 1 / 3.0f, 1e-6f);
  }
}

TEST(SvmClassifier, RefusesListsThatDontFit) {
  const Tensor x = tensor({1, 3}, {1, 2, 3});
  const auto refused = [&](std::size_t place, Attribute value) {
    AttributeList attributes = svm_classifier();
    attributes[place].second = std::move(value);
    return !try_op("SVMClassifier", 1, attributes, {x}, 2);
  };
  EXPECT_TRUE(refused(0, Ints{4}));
  EXPECT_TRUE(refused(1, Ints{1, 2}));
  EXPECT_TRUE(refused(1, Ints{1, 1, std::numeric_limits<std::int64_t>::max()}));
  EXPECT_TRUE(refused(2, Floats{1, 0, 0, 0}));
  EXPECT_TRUE(refused(3, Floats{1, 2}));
  EXPECT_TRUE(refused(4, Floats{1, 2}));
  EXPECT_FALSE(try_op("SVMClassifier", 1, svm_classifier(), {tensor({1, 2}, {1, 2})}, 2));
}

}  // namespace
}  // namespace adze::testing
