// Every optimising pass on small graphs made for it: the result is that of the raw graph, and the nodes that the pass
// promises to remove are gone.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/passes_runner.h"
#include "tests/support/random_model.h"
#include "tests/support/small_cnn.h"

namespace adze::testing {
namespace {

// A graph from an image x [2, 8, 6, 6] to y.
class ImageGraph : public ModelBuilder {
 public:
  ImageGraph() { input("x", {2, 8, 6, 6}).output("y"); }

  // A pointwise convolution, or one of 3 x 3 that keeps the image's size.
  ImageGraph& conv(const std::string& from, const std::string& to, std::int64_t out = 8, std::int64_t kernel = 3,
                   std::int64_t groups = 1) {
    const std::string w = to + ".w", b = to + ".b";
    initializer(w, random_tensor({out, 8 / groups, kernel, kernel}, seed_++, -0.3f, 0.3f));
    initializer(b, random_tensor({out}, seed_++));
    auto& made = node("Conv", {from, w, b}, {to});
    set(made, "group", groups);
    const std::int64_t pad = kernel / 2;
    set(made, "pads", {pad, pad, pad, pad});
    return *this;
  }
  ImageGraph& norm(const std::string& from, const std::string& to, std::int64_t channels = 8) {
    const char* parts[] = {".scale", ".shift", ".mean", ".var"};
    for (const char* part : parts) initializer(to + part, random_tensor({channels}, seed_++, 0.5f, 1.5f));
    node("BatchNormalization", {from, to + ".scale", to + ".shift", to + ".mean", to + ".var"}, {to});
    return *this;
  }
  ImageGraph& constant(const std::string& name, const Shape& shape) {
    initializer(name, random_tensor(shape, seed_++));
    return *this;
  }
  ImageGraph& ints(const std::string& name, std::vector<std::int64_t> values) {
    initializer(name, Tensor::from_ints(values));
    return *this;
  }

 private:
  std::uint64_t seed_ = 1;
};

// ---- identities -----------------------------------------------------------------------------------------------------

TEST(Passes, IdentityAndDropoutGo) {
  ImageGraph m;
  m.node("Identity", {"x"}, {"a"});
  m.node("Dropout", {"a"}, {"b"});
  m.node("Neg", {"b"}, {"y"});
  expect_steps(m, "Neg");
}

TEST(Passes, AnOutputThatIsAnInputStays) {
  ImageGraph m;
  m.output("z").node("Identity", {"x"}, {"y"});
  m.node("Identity", {"y"}, {"z"});
  expect_passes_agree(m.serialized());
}

// ---- folding a batch normalisation
// -----------------------------------------------------------------------------------

TEST(Passes, ABatchNormalizationGoesIntoItsConvolution) {
  for (const std::int64_t groups : {1, 2, 8}) {
    ImageGraph m;
    m.conv("x", "c", 8, 3, groups).norm("c", "y");
    expect_steps(m, "Transpose Conv Transpose", kRounds);
  }
}

TEST(Passes, ABatchNormalizationStaysWhereTheConvolutionIsAlsoRead) {
  ImageGraph m;
  m.conv("x", "c").norm("c", "y").output("c");
  EXPECT_NE(expect_passes_agree(m.serialized()).steps.find("BatchNormalization"), std::string::npos);
}

TEST(Passes, ABatchNormalizationWithComputedParametersStays) {
  ImageGraph m;
  m.conv("x", "c").constant("shift", {8}).constant("mean", {8});
  m.input("scale", {8}).initializer("var", random_tensor({8}, 99, 0.5f, 1.5f));
  m.node("BatchNormalization", {"c", "scale", "shift", "mean", "var"}, {"y"});
  EXPECT_NE(expect_passes_agree(m.serialized()).steps.find("BatchNormalization"), std::string::npos);
}

// ---- gates
// ------------------------------------------------------------------------------------------------------------

TEST(Passes, AValueTimesItsSigmoidIsSwish) {
  for (const bool gate_first : {false, true}) {
    ImageGraph m;
    m.node("Sigmoid", {"x"}, {"g"});
    m.node("Mul", {gate_first ? "g" : "x", gate_first ? "x" : "g"}, {"y"});
    expect_steps(m, "Swish", kRounds);
  }
}

TEST(Passes, AValueTimesItsHardSigmoidIsHardSwish) {
  struct {
    float alpha;
    bool exact;
  } const cases[] = {{1.0f / 6, true}, {0.16666661f, false}};
  for (const auto& c : cases) {
    ImageGraph m;
    set_real(m.node("HardSigmoid", {"x"}, {"g"}), "alpha", c.alpha);
    m.node("Mul", {"x", "g"}, {"y"});
    expect_steps(m, "HardSwish", c.exact);
  }
}

TEST(Passes, OtherProductsWithAGateStay) {
  ImageGraph other_slope;
  set_real(other_slope.node("HardSigmoid", {"x"}, {"g"}), "alpha", 0.2f);
  other_slope.node("Mul", {"x", "g"}, {"y"});
  expect_steps(other_slope, "HardSigmoid Mul");

  ImageGraph other_factor;
  other_factor.node("Sigmoid", {"x"}, {"g"});
  other_factor.node("Neg", {"x"}, {"n"});
  other_factor.node("Mul", {"n", "g"}, {"y"});
  expect_steps(other_factor, "Sigmoid Neg Mul");

  ImageGraph read_twice;
  read_twice.output("g").node("Sigmoid", {"x"}, {"g"});
  read_twice.node("Mul", {"x", "g"}, {"y"});
  expect_steps(read_twice, "Sigmoid Mul");
}

// ---- residuals
// --------------------------------------------------------------------------------------------------------

TEST(Passes, ASumGoesIntoTheConvolution) {
  for (const std::int64_t groups : {1, 2, 8}) {
    for (const std::int64_t kernel : {1, 3}) {
      for (const bool conv_first : {false, true}) {
        ImageGraph m;
        m.conv("x", "c", 8, kernel, groups);
        m.node("Add", {conv_first ? "c" : "x", conv_first ? "x" : "c"}, {"s"});
        m.node("Relu", {"s"}, {"y"});
        expect_steps(m, "Transpose Conv Transpose");
      }
    }
  }
}

TEST(Passes, TheLaterOfTwoConvolutionsTakesTheirSum) {
  ImageGraph m;
  m.conv("x", "a").conv("x", "b", 8, 1);
  m.node("Add", {"b", "a"}, {"y"});
  expect_steps(m, "Transpose Conv Conv Transpose");
}

TEST(Passes, ASumThatIsReadTwiceOrStretchedStays) {
  ImageGraph itself;
  itself.conv("x", "c");
  itself.node("Add", {"c", "c"}, {"y"});
  expect_steps(itself, "Transpose Conv Add Transpose");

  ImageGraph stretched;
  stretched.conv("x", "c").input("row", {2, 8, 1, 6});
  stretched.node("Add", {"c", "row"}, {"y"});
  EXPECT_NE(expect_passes_agree(stretched.serialized()).steps.find("Add"), std::string::npos);

  ImageGraph kept;
  kept.conv("x", "c").output("c");
  kept.node("Add", {"c", "x"}, {"y"});
  EXPECT_NE(expect_passes_agree(kept.serialized()).steps.find("Add"), std::string::npos);
}

// ---- activations
// -------------------------------------------------------------------------------------------------------

TEST(Passes, EveryActivationGoesIntoTheProducer) {
  for (const char* name : {"Relu", "LeakyRelu", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Elu", "Selu",
                           "Softplus", "Mish", "Gelu"}) {
    SCOPED_TRACE(name);
    ImageGraph conv;
    conv.proto().mutable_opset_import(0)->set_version(22);
    conv.conv("x", "c").node(name, {"c"}, {"y"});
    expect_steps(conv, "Transpose Conv Transpose");

    ModelBuilder gemm(22);
    gemm.input("x", {2, 20}).output("y");
    gemm.initializer("w", random_tensor({20, 33}, 5)).initializer("b", random_tensor({33}, 6));
    gemm.node("Gemm", {"x", "w", "b"}, {"g"});
    gemm.node(name, {"g"}, {"y"});
    expect_steps(gemm, "Gemm");

    ModelBuilder matmul(22);
    matmul.input("x", {2, 20}).output("y").initializer("w", random_tensor({20, 33}, 5));
    matmul.node("MatMul", {"x", "w"}, {"g"});
    matmul.node(name, {"g"}, {"y"});
    expect_steps(matmul, "MatMul");

    ImageGraph transposed_conv;
    transposed_conv.proto().mutable_opset_import(0)->set_version(22);
    transposed_conv.constant("w", {8, 5, 3, 3});
    transposed_conv.node("ConvTranspose", {"x", "w"}, {"c"});
    transposed_conv.node(name, {"c"}, {"y"});
    expect_steps(transposed_conv, "Transpose ConvTranspose Transpose");
  }
}

TEST(Passes, AClipGoesIntoTheProducerWhereItsBoundsAreKnown) {
  ImageGraph known;
  known.conv("x", "c").constant("low", {}).initializer("high", tensor_of<float>({}, {0.5f}));
  known.node("Clip", {"c", "low", "high"}, {"y"});
  expect_steps(known, "Transpose Conv Transpose");

  ImageGraph crossed;
  crossed.conv("x", "c")
      .initializer("low", tensor_of<float>({}, {0.5f}))
      .initializer("high", tensor_of<float>({}, {-0.5f}));
  crossed.node("Clip", {"c", "low", "high"}, {"y"});
  expect_steps(crossed, "Transpose Conv Transpose");

  ImageGraph computed;
  computed.conv("x", "c").input("low", {});
  computed.node("Clip", {"c", "low"}, {"y"});
  expect_steps(computed, "Transpose Conv Clip Transpose");
}

TEST(Passes, OneActivationOnly) {
  ImageGraph m;
  m.conv("x", "c");
  m.node("Tanh", {"c"}, {"t"});
  m.node("Relu", {"t"}, {"y"});
  expect_steps(m, "Transpose Conv Relu Transpose");
}

TEST(Passes, TheSumComesBeforeTheActivation) {
  ImageGraph m;
  m.conv("x", "c");
  m.node("Relu", {"c"}, {"r"});
  m.node("Add", {"r", "x"}, {"y"});  // not the convolution's sum: the activation lies between
  EXPECT_NE(expect_passes_agree(m.serialized()).steps.find("Add"), std::string::npos);
}

// ---- layout
// ------------------------------------------------------------------------------------------------------------

// x through a convolution, then `name` with these further inputs, then another convolution.
ImageGraph between_convolutions(const std::string& name, const std::vector<std::string>& further = {}) {
  ImageGraph m;
  m.conv("x", "before");
  std::vector<std::string> inputs{"before"};
  inputs.insert(inputs.end(), further.begin(), further.end());
  m.node(name, inputs, {"middle"});
  return m;
}
onnx::NodeProto& last(ImageGraph& m) {
  auto* graph = m.proto().mutable_graph();
  return *graph->mutable_node(graph->node_size() - 1);
}

TEST(Passes, ElementwiseOperatorsKeepTheLayout) {
  ImageGraph per_channel = between_convolutions("Mul", {"factor"});
  per_channel.constant("factor", {8, 1, 1}).conv("middle", "y");
  expect_steps(per_channel, "Transpose Conv Mul Conv Transpose");

  ImageGraph per_column = between_convolutions("Sub", {"shift"});
  per_column.constant("shift", {6}).conv("middle", "y");
  expect_steps(per_column, "Transpose Conv Sub Conv Transpose");

  ImageGraph whole = between_convolutions("Div", {"divisor"});
  whole.conv("middle", "y").initializer("divisor", random_tensor({1, 8, 6, 6}, 77, 1, 2));
  expect_steps(whole, "Transpose Conv Div Conv Transpose");

  ImageGraph scalar = between_convolutions("Add", {"one"});
  scalar.conv("middle", "y").initializer("one", tensor_of<float>({1, 1, 1, 1}, {1.0f}));
  expect_steps(scalar, "Transpose Conv Add Conv Transpose");

  ImageGraph slope = between_convolutions("PRelu", {"slope"});
  slope.constant("slope", {8, 1, 1}).conv("middle", "y");
  expect_steps(slope, "Transpose Conv PRelu Conv Transpose");

  ImageGraph chosen;
  chosen.conv("x", "a").conv("x", "b").initializer("mask", cast_to<bool>(tensor_of<float>({6, 1}, {1, 0, 0, 1, 1, 0})));
  chosen.node("Where", {"mask", "a", "b"}, {"y"});
  expect_steps(chosen, "Transpose Conv Conv Where Transpose");
}

TEST(Passes, AShorterOperandThatIsComputedIsNotStretched) {
  ImageGraph m = between_convolutions("Mul", {"factor"});
  m.conv("middle", "y").input("factor", {8, 1, 1});
  expect_passes_agree(m.serialized());
}

TEST(Passes, ConcatSplitAndResizeKeepTheLayout) {
  for (const std::int64_t axis : {1, 2, -1}) {
    SCOPED_TRACE(axis);
    ImageGraph concat_graph;
    concat_graph.conv("x", "a").conv("x", "b", 8, 1);
    set(concat_graph.node("Concat", {"a", "b"}, {"y"}), "axis", axis);
    // Channels are written where the result has them.
    expect_steps(concat_graph, axis == 1 ? "Transpose Conv Conv Transpose" : "Transpose Conv Conv Concat Transpose");

    ImageGraph split_graph;
    split_graph.conv("x", "c").ints("parts", {2, axis == 1 ? 6 : 4}).output("z");
    set(split_graph.node("Split", {"c", "parts"}, {"y", "z"}), "axis", axis);
    expect_steps(split_graph, "Transpose Conv Split Transpose Transpose");
  }
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    SCOPED_TRACE(mode);
    ImageGraph resize = between_convolutions("Resize", {"", "scales"});
    set_string(last(resize), "mode", mode);
    resize.conv("middle", "y").initializer("scales", tensor_of<float>({4}, {1, 1, 2, 1.5f}));
    expect_steps(resize, "Transpose Conv Resize Conv Transpose", std::string_view(mode) == "nearest");
  }
}

TEST(Passes, ReductionsAndSoftmaxKeepTheLayout) {
  for (const char* name : {"ReduceMean", "ReduceMax"}) {
    const bool exact = std::string_view(name) == "ReduceMax";
    for (const std::initializer_list<std::int64_t> axes :
         {std::initializer_list<std::int64_t>{2, 3}, {1}, {-1}, {1, 3}}) {
      ImageGraph m = between_convolutions(name);
      set(last(m), "axes", axes);
      m.conv("before", "again", 8, 1);
      m.node("Mul", {"again", "middle"}, {"y"});
      const PassesRun run = expect_passes_agree(m.serialized());
      const bool pools = !exact && *axes.begin() == 2;
      EXPECT_EQ(run.steps, concat("Transpose Conv ", pools ? "GlobalAveragePool" : name, " Conv Mul Transpose"));
      EXPECT_EQ(run.exact, exact);
    }
  }
  for (const std::int64_t axis : {1, 3}) {
    ImageGraph m = between_convolutions("Softmax");
    set(last(m), "axis", axis);
    m.conv("middle", "y");
    expect_steps(m, "Transpose Conv Softmax Conv Transpose", kRounds);
  }
}

TEST(Passes, WhatNeedsTheFilesOrderGetsIt) {
  ImageGraph pad = between_convolutions("Pad", {"pads"});
  pad.ints("pads", {0, 1, 2, 0, 0, 0, 1, 3}).constant("w", {8, 9, 1, 1});
  pad.node("Conv", {"middle", "w"}, {"y"});
  expect_passes_agree(pad.serialized());

  ImageGraph slice = between_convolutions("Slice", {"starts", "ends", "axes", "steps"});
  slice.ints("starts", {4, 0}).ints("ends", {0, 6}).ints("axes", {2, 3}).ints("steps", {-2, 2}).conv("middle", "y");
  expect_passes_agree(slice.serialized());

  ImageGraph no_keep = between_convolutions("ReduceSum", {"axes"});
  no_keep.ints("axes", {1});
  set(last(no_keep), "keepdims", std::int64_t{0});
  no_keep.node("Relu", {"middle"}, {"y"});
  expect_passes_agree(no_keep.serialized());

  ImageGraph old_softmax;
  old_softmax.proto().mutable_opset_import(0)->set_version(11);
  old_softmax.conv("x", "c");
  set(old_softmax.node("Softmax", {"c"}, {"y"}), "axis", std::int64_t{2});
  expect_passes_agree(old_softmax.serialized());
}

TEST(Passes, TransposesOfTheFileMeetThoseOfTheLayout) {
  ImageGraph undone = between_convolutions("Transpose");
  set(last(undone), "perm", {0, 2, 3, 1});
  undone.constant("w", {8, 5});
  undone.node("MatMul", {"middle", "w"}, {"y"});
  expect_steps(undone, "Transpose Conv MatMul");

  ImageGraph reversed = between_convolutions("Transpose");  // without perm: reversed
  reversed.node("Relu", {"middle"}, {"y"});
  expect_steps(reversed, "Transpose Conv Relu Transpose");

  ImageGraph swapped = between_convolutions("Transpose");
  set(last(swapped), "perm", {0, 1, 3, 2});
  swapped.conv("middle", "y");
  expect_steps(swapped, "Transpose Conv Transpose Conv Transpose");
}

TEST(Passes, OperandsInDifferentOrders) {
  ImageGraph m;
  m.conv("x", "a");
  set(m.node("Transpose", {"x"}, {"t"}), "perm", {0, 1, 3, 2});
  m.node("Sigmoid", {"t"}, {"s"});
  m.node("Mul", {"a", "s"}, {"y"});
  expect_passes_agree(m.serialized());
}

// ---- flattening
// ----------------------------------------------------------------------------------------------------------

TEST(Passes, AFlattenIntoAProductReordersTheWeights) {
  for (const bool reshape : {false, true}) {
    for (const int product : {0, 1, 2}) {  // MatMul, Gemm, Gemm with transB
      ImageGraph m;
      m.conv("x", "c").ints("target", {2, -1});
      m.node(reshape ? "Reshape" : "Flatten",
             reshape ? std::vector<std::string>{"c", "target"} : std::vector<std::string>{"c"}, {"f"});
      m.initializer("w", product == 2 ? random_tensor({10, 288}, 31) : random_tensor({288, 10}, 31));
      set(m.node(product ? "Gemm" : "MatMul", {"f", "w"}, {"y"}), "transB", std::int64_t{product == 2});
      if (!product) last(m).clear_attribute();
      expect_steps(m, concat("Transpose Conv ", product ? "Gemm" : "MatMul"), kRounds);
    }
  }
}

TEST(Passes, AFlattenAfterGlobalPoolingKeepsItsBytes) {
  ImageGraph m = between_convolutions("GlobalAveragePool");
  m.node("Flatten", {"middle"}, {"f"});
  m.constant("w", {8, 10});
  m.node("MatMul", {"f", "w"}, {"y"});
  expect_steps(m, "Transpose Conv GlobalAveragePool MatMul");
}

TEST(Passes, AFlattenThatMixesTheBatchIsLeft) {
  ImageGraph m;
  m.conv("x", "c").ints("target", {4, 144}).constant("w", {144, 10});
  m.node("Reshape", {"c", "target"}, {"f"});
  m.node("MatMul", {"f", "w"}, {"y"});
  expect_steps(m, "Transpose Conv Transpose MatMul");
}

// ---- all together
// -------------------------------------------------------------------------------------------------------

TEST(Passes, OneOfEverythingKeepsItsResults) { expect_passes_agree(small_cnn()); }

TEST(Passes, TheExamplesKeepTheirResults) {
  for (const char* path : {"/examples/digits/digits.onnx", "/examples/tabular/tumour.onnx"}) {
    SCOPED_TRACE(path);
    std::ifstream file(std::string(ADZE_SOURCE_DIR) + path, std::ios::binary);
    expect_passes_agree({std::istreambuf_iterator<char>(file), {}});
  }
}

// Interpolation along the last axis comes after that along the others.
TEST(Passes, AResizeWhoseAxesSwapRoundsDifferently) {
  ImageGraph m;
  set(m.node("Transpose", {"x"}, {"t"}), "perm", {0, 1, 3, 2});
  m.initializer("scales", tensor_of<float>({4}, {1, 1, 1.7f, 1.3f}));
  set_string(m.node("Resize", {"t", "", "scales"}, {"y"}), "mode", "linear");
  expect_steps(m, "Resize Transpose", kRounds);
}

TEST(Passes, RandomModelsKeepTheirResults) {
  for (std::uint64_t seed = 0; seed < 500; seed++) {
    SCOPED_TRACE(concat("seed ", seed));
    expect_passes_agree(RandomModel(seed).serialized());
  }
}

}  // namespace
}  // namespace adze::testing
