// Concats whose inputs are written into the result: which ones are left as steps, and that every byte is as if they had
// been copied.
#include <gtest/gtest.h>

#include <functional>

#include "graph/evaluate.h"
#include "graph/onnx/loader.h"
#include "tests/support/passes_runner.h"
#include "tests/support/random_model.h"

namespace adze::testing {
namespace {

// Images, as operators make them one of another; names are those of results.
class Images : public ModelBuilder {
 public:
  Images() : ModelBuilder(18) {}

  Images& input(const std::string& name, std::vector<std::int64_t> dims) {
    ModelBuilder::input(name, std::move(dims));
    return *this;
  }

  struct Conv {
    std::int64_t in, out, kernel = 3, groups = 1, stride = 1;
    std::string activation = "";  // Relu, Silu or none
    std::string residual = "";
  };
  Images& conv(const std::string& from, const std::string& to, const Conv& c) {
    const std::string sum = to + ".sum";
    const bool more = !c.residual.empty(), activated = !c.activation.empty();
    auto& made = weighted("Conv", from,
                          more        ? to + ".conv"
                          : activated ? sum
                                      : to,
                          {c.out, c.in / c.groups, c.kernel, c.kernel}, c.out);
    set(made, "group", c.groups);
    set(made, "strides", {c.stride, c.stride});
    const std::int64_t pad = c.kernel / 2;
    set(made, "pads", {pad, pad, pad, pad});
    if (more) node("Add", {to + ".conv", c.residual}, {activated ? sum : to});
    if (c.activation == "Silu") {
      node("Sigmoid", {sum}, {to + ".gate"});
      node("Mul", {sum, to + ".gate"}, {to});
    } else if (activated) {
      node(c.activation, {sum}, {to});
    }
    return *this;
  }
  Images& up(const std::string& from, const std::string& to, std::int64_t in, std::int64_t out) {
    auto& made = weighted("ConvTranspose", from, to, {in, out, 2, 2}, out);
    set(made, "strides", {2, 2});
    return *this;
  }
  Images& pool(const std::string& op, const std::string& from, const std::string& to, std::int64_t stride = 1) {
    auto& made = node(op, {from}, {to});
    set(made, "kernel_shape", {3, 3});
    set(made, "pads", {1, 1, 1, 1});
    set(made, "strides", {stride, stride});
    return *this;
  }
  Images& resize(const std::string& from, const std::string& to, std::vector<std::int64_t> sizes,
                 const std::string& mode) {
    initializer(to + ".sizes", Tensor::from_ints(sizes));
    set_string(node("Resize", {from, "", "", to + ".sizes"}, {to}), "mode", mode);
    return *this;
  }
  Images& norm(const std::string& from, const std::string& to, std::int64_t channels) {
    std::vector<std::string> inputs{from};
    for (const char* part : {".scale", ".shift", ".mean", ".var"}) {
      initializer(to + part, random_tensor({channels}, seed_++, 0.5f, 1.5f));
      inputs.push_back(to + part);
    }
    node("BatchNormalization", inputs, {to});
    return *this;
  }
  Images& concat(const std::vector<std::string>& from, const std::string& to, std::int64_t axis = 1) {
    set(node("Concat", from, {to}), "axis", axis);
    return *this;
  }
  Images& constant(const std::string& name, const Shape& shape) {
    initializer(name, random_tensor(shape, seed_++));
    return *this;
  }

 private:
  onnx::NodeProto& weighted(const std::string& op, const std::string& from, const std::string& to, const Shape& weights,
                            std::int64_t out) {
    initializer(to + ".w", random_tensor(weights, seed_++, -0.3f, 0.3f));
    initializer(to + ".b", random_tensor({out}, seed_++));
    return node(op, {from, to + ".w", to + ".b"}, {to});
  }

  std::uint64_t seed_ = 1;
};

using Build = std::function<void(Images&)>;

std::string model_of(const Build& build, const std::vector<std::string>& outputs) {
  Images m;
  build(m);
  for (const std::string& name : outputs) m.output(name);
  return m.serialized();
}

bool has_concat(const PassesRun& run) { return run.steps.find("Concat") != std::string::npos; }

std::size_t arena_bytes(const std::string& bytes) {
  const auto model = Model::from_bytes(bytes_of(bytes), "model");
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return model ? (*(*model)->plan(*(*model)->default_shapes(), 1))->arena_bytes() : 0;
}

// All outputs, y the last, have the bytes that they have where `joined`, the inputs of the Concats, are outputs of the
// graph too, whose rows follow each other.
void expect_same_as_copied(const Build& build, const std::vector<std::string>& joined) {
  std::vector<std::string> outputs = joined;
  outputs.push_back("y");
  const std::string model = model_of(build, {"y"});
  const PassesRun copied = run_passes_of(model_of(build, outputs), {});
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > cpu_isa()) continue;
    ModelOptions options;
    options.isa = isa;
    for (const int threads : {1, 2, 5}) {
      const PassesRun run = run_passes_of(model, options, threads);
      ASSERT_EQ(run.outputs.size() + joined.size(), copied.outputs.size());
      ASSERT_TRUE(same_bytes(run.outputs.back(), copied.outputs.back())) << isa_name(isa) << ' ' << threads;
      for (std::size_t i = 0; i + 1 < run.outputs.size(); i++)
        ASSERT_TRUE(same_bytes(run.outputs[i], copied.outputs[i])) << isa_name(isa) << ' ' << threads;
    }
  }
  expect_passes_agree(model);
}

void expect_in_place(const Build& build, const std::vector<std::string>& joined) {
  expect_same_as_copied(build, joined);
  const PassesRun run = run_passes_of(model_of(build, {"y"}), {});
  EXPECT_FALSE(has_concat(run)) << run.steps;
}

void expect_copied(const Build& build, const std::vector<std::string>& joined) {
  expect_same_as_copied(build, joined);
  const PassesRun run = run_passes_of(model_of(build, {"y"}), {});
  EXPECT_TRUE(has_concat(run)) << run.steps;
}

// ---- networks -------------------------------------------------------------------------------------------------------

// As SqueezeNet and Inception have them.
TEST(Concat, BranchesWriteIntoTheirConcat) {
  const Build build = [](Images& m) {
    m.input("x", {2, 8, 13, 11});
    m.conv("x", "one", {.in = 8, .out = 24, .kernel = 1, .activation = "Relu"});
    m.conv("x", "three", {.in = 8, .out = 17, .activation = "Silu"});
    m.pool("MaxPool", "x", "max").pool("AveragePool", "x", "average");
    m.concat({"one", "three", "max", "average"}, "all");
    m.conv("all", "y", {.in = 57, .out = 8, .kernel = 1});
  };
  expect_in_place(build, {"one", "three", "max", "average"});
}

// As U-Net has it: the skipped half is read by the pooling too.
TEST(Concat, SkippedHalvesAreReadWhereTheyLie) {
  const Build build = [](Images& m) {
    m.input("x", {1, 3, 32, 36});
    m.conv("x", "a", {.in = 3, .out = 16, .activation = "Relu"});
    m.conv("a", "skip", {.in = 16, .out = 16, .activation = "Relu"}).pool("MaxPool", "skip", "down", 2);
    m.conv("down", "b", {.in = 16, .out = 24, .activation = "Relu"}).up("b", "up", 24, 16);
    m.concat({"skip", "up"}, "both").conv("both", "y", {.in = 32, .out = 8});
  };
  expect_in_place(build, {"skip", "up"});
}

// As DenseNet has it, with the row of all results before as inputs again and again.
TEST(Concat, DenseBlocksGrowInPlace) {
  const Build build = [](Images& m) {
    m.input("x", {2, 8, 14, 14}).conv("x", "f0", {.in = 8, .out = 16});
    std::vector<std::string> all{"f0"};
    for (std::int64_t i = 1; i < 5; i++) {
      const std::string n = std::to_string(i);
      const std::string from = i > 1 ? "c" + n : all[0];
      if (i > 1) m.concat(all, from);
      const std::int64_t channels = 16 + 12 * (i - 1);
      m.norm(from, "n" + n, channels).node("Relu", {"n" + n}, {"r" + n});
      m.conv("r" + n, "k" + n, {.in = channels, .out = 20, .kernel = 1, .activation = "Relu"});
      m.conv("k" + n, "f" + n, {.in = 20, .out = 12});
      all.push_back("f" + n);
    }
    m.concat(all, "last").conv("last", "y", {.in = 64, .out = 8, .kernel = 1});
  };
  expect_in_place(build, {"f0", "f1", "f2", "f3", "f4"});
}

// ---- who writes with a pitch, and who reads with one ----------------------------------------------------------------

// `make` leads from x [2, 8, h, w] to a, whose channels are given.
void expect_written_in_place(std::int64_t channels, const std::function<void(Images&)>& make, std::int64_t h = 9,
                             std::int64_t w = 10, std::int64_t stride = 1) {
  for (const bool first : {false, true}) {
    const Build build = [&](Images& m) {
      m.input("x", {2, 8, h, w}).conv("x", "b", {.in = 8, .out = 5, .kernel = 1, .stride = stride});
      make(m);
      m.concat(first ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"b", "a"}, "all");
      m.conv("all", "y", {.in = channels + 5, .out = 4, .kernel = 1});
    };
    expect_in_place(build, {"a", "b"});
  }
}

TEST(Concat, EveryConvolutionWritesInPlace) {
  expect_written_in_place(24, [](Images& m) { m.conv("x", "a", {.in = 8, .out = 24, .activation = "Silu"}); });
  expect_written_in_place(24, [](Images& m) { m.conv("x", "a", {.in = 8, .out = 24, .groups = 2}); });
  expect_written_in_place(
      8, [](Images& m) { m.conv("x", "a", {.in = 8, .out = 8, .kernel = 5, .groups = 8, .activation = "Silu"}); });
  // With residuals.
  expect_written_in_place(
      8, [](Images& m) { m.conv("x", "a", {.in = 8, .out = 8, .activation = "Relu", .residual = "x"}); });
  expect_written_in_place(
      8, [](Images& m) { m.conv("x", "a", {.in = 8, .out = 8, .groups = 8, .activation = "Silu", .residual = "x"}); });
}

TEST(Concat, WinogradsAlgorithmWritesInPlace) {
  const auto make = [](Images& m) {
    m.conv("x", "wide", {.in = 8, .out = 32, .kernel = 1});
    m.conv("wide", "a", {.in = 32, .out = 32, .activation = "Silu", .residual = "wide"});
  };
  expect_written_in_place(32, make, 14, 14);
}

TEST(Concat, StripsWriteInPlace) {
  const auto make = [](Images& m) {
    m.conv("x", "e", {.in = 8, .out = 96, .kernel = 1, .activation = "Relu"});
    m.conv("e", "d", {.in = 96, .out = 96, .groups = 96, .activation = "Relu"});
    m.conv("d", "a", {.in = 96, .out = 8, .kernel = 1, .residual = "x"});
  };
  expect_written_in_place(8, make, 53, 55);
  const auto without_projection = [](Images& m) {
    m.conv("x", "e", {.in = 8, .out = 96, .kernel = 1, .activation = "Relu"});
    m.conv("e", "a", {.in = 96, .out = 96, .groups = 96, .stride = 2, .activation = "Silu"});
  };
  expect_written_in_place(96, without_projection, 53, 55, 2);
}

TEST(Concat, ResizesWriteInPlace) {
  for (const char* mode : {"nearest", "linear"}) {
    const auto make = [&](Images& m) {
      m.conv("x", "small", {.in = 8, .out = 24, .stride = 2}).resize("small", "a", {2, 24, 10, 13}, mode);
    };
    expect_written_in_place(24, make, 10, 13);
  }
}

TEST(Concat, ProductsWriteInPlace) {
  const Build build = [](Images& m) {
    m.input("x", {2, 7, 6}).constant("w1", {6, 20}).constant("w2", {6, 9});
    m.node("MatMul", {"x", "w1"}, {"s"});
    m.node("Sigmoid", {"s"}, {"a"});
    m.node("MatMul", {"x", "w2"}, {"b"});
    m.concat({"a", "b"}, "all", 2).constant("w3", {29, 4}).node("MatMul", {"all", "w3"}, {"y"});
  };
  expect_in_place(build, {"a", "b"});
}

// `read` leads from a [2, 16, 14, 15] to y.
void expect_read_in_place(const std::function<void(Images&)>& read) {
  const Build build = [&](Images& m) {
    m.input("x", {2, 8, 14, 15});
    m.conv("x", "a", {.in = 8, .out = 16, .kernel = 1}).conv("x", "b", {.in = 8, .out = 6, .kernel = 1});
    m.concat({"b", "a"}, "all").conv("all", "other", {.in = 22, .out = 4, .kernel = 1}).output("other");
    read(m);
  };
  expect_in_place(build, {"a", "b"});
}

TEST(Concat, WhoReadsRowsThatLieApart) {
  expect_read_in_place([](Images& m) { m.conv("a", "y", {.in = 16, .out = 5, .kernel = 1}); });
  expect_read_in_place([](Images& m) { m.conv("a", "y", {.in = 16, .out = 6, .groups = 2, .stride = 2}); });
  expect_read_in_place([](Images& m) { m.conv("a", "y", {.in = 16, .out = 32}); });  // Winograd's algorithm
  expect_read_in_place([](Images& m) { m.conv("a", "y", {.in = 16, .out = 16, .kernel = 5, .groups = 16}); });
  expect_read_in_place([](Images& m) { m.pool("MaxPool", "a", "y", 2); });
  expect_read_in_place([](Images& m) { m.up("a", "y", 16, 3); });
  expect_read_in_place([](Images& m) { m.norm("a", "y", 16); });
  expect_read_in_place([](Images& m) { m.conv("x", "y", {.in = 8, .out = 16, .residual = "a"}); });
}

// One place is enough for one of them.
TEST(Concat, AValueThatTwoConcatsTake) {
  const Build build = [](Images& m) {
    m.input("x", {2, 8, 9, 10});
    m.conv("x", "a", {.in = 8, .out = 16, .kernel = 1}).conv("x", "b", {.in = 8, .out = 6, .kernel = 1});
    m.concat({"b", "a"}, "ba").conv("ba", "other", {.in = 22, .out = 4, .kernel = 1}).output("other");
    m.concat({"a", "a", "b"}, "aab").conv("aab", "y", {.in = 38, .out = 4, .kernel = 1});
  };
  expect_copied(build, {"a", "b"});
}

// ---- what is copied -------------------------------------------------------------------------------------------------

// a and b, which are joined, are also read by `read`.
void expect_copied_for(const std::function<void(Images&)>& read) {
  const Build build = [&](Images& m) {
    m.input("x", {2, 8, 9, 10});
    m.conv("x", "a", {.in = 8, .out = 16, .kernel = 1}).conv("x", "b", {.in = 8, .out = 16, .kernel = 1});
    read(m);
    m.concat({"a", "b", "more"}, "all").conv("all", "y", {.in = 48, .out = 4, .kernel = 1});
  };
  expect_copied(build, {"a", "b"});
}

TEST(Concat, WhatSomeoneReadsWithoutPitchIsCopied) {
  expect_copied_for([](Images& m) { m.node("Softmax", {"a"}, {"more"}); });
  expect_copied_for([](Images& m) { m.node("Mul", {"a", "b"}, {"more"}); });
  // Steps that know no pitch.
  expect_copied_for([](Images& m) { m.node("Tanh", {"x"}, {"t"}), m.concat({"t", "t"}, "more"); });
}

// ---- a single row ---------------------------------------------------------------------------------------------------

TEST(Concat, AnyStepWritesIntoASingleRow) {
  const Build build = [](Images& m) {
    m.input("x", {3, 4}).constant("w", {4, 4}).node("Tanh", {"x"}, {"a"});
    m.node("Abs", {"a"}, {"b"});
    m.node("MatMul", {"b", "w"}, {"c"});
    m.concat({"a", "b", "c", "x", "b"}, "all", 0).constant("v", {4, 5}).node("MatMul", {"all", "v"}, {"y"});
  };
  expect_copied(build, {"a", "b", "c"});
  const Build without = [](Images& m) {
    m.input("x", {3, 4}).node("Tanh", {"x"}, {"a"});
    m.node("Abs", {"x"}, {"b"});
    m.concat({"a", "b"}, "all", 0).node("Neg", {"all"}, {"y"});
  };
  expect_in_place(without, {"a", "b"});
}

TEST(Concat, RandomModelsGiveWhatTheirNodesGiveOneByOne) {
  for (std::uint64_t seed = 0; seed < 200; seed++) {
    SCOPED_TRACE(adze::concat("seed ", seed));
    const std::string bytes = RandomModel(seed).serialized();
    const auto graph = parse_graph(bytes_of(bytes), "m.onnx");
    ASSERT_TRUE(graph);
    Shape shape;
    for (const Dim& dim : *graph->inputs[0].dims) shape.push_back(dim.size);
    const Tensor x = random_tensor(shape, 1000, -2, 2);
    const auto want = interpret(*graph, {&x, 1});
    ASSERT_TRUE(want);
    ModelOptions options;
    options.optimise = false;
    const PassesRun run = run_passes_of(bytes, options, 1 + static_cast<int>(seed % 3));
    ASSERT_EQ(run.outputs.size(), want->size());
    for (std::size_t i = 0; i < want->size(); i++) ASSERT_TRUE(same_bytes(run.outputs[i], (*want)[i])) << i;
  }
}

TEST(Concat, TheArenaHasNoRoomForCopies) {
  const Build build = [](Images& m) {
    m.input("x", {1, 8, 20, 20});
    m.conv("x", "a", {.in = 8, .out = 32, .kernel = 1}).conv("x", "b", {.in = 8, .out = 32, .kernel = 1});
    m.concat({"a", "b"}, "all").conv("all", "y", {.in = 64, .out = 4, .kernel = 1});
  };
  EXPECT_LE(arena_bytes(model_of(build, {"y"})) + 2 * 32 * 400 * sizeof(float),
            arena_bytes(model_of(build, {"a", "b", "y"})));
}

}  // namespace
}  // namespace adze::testing
