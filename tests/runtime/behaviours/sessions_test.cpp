// Behaviours of tests/graph/behaviours that need a whole run: shapes and parameters that come with the inputs.
#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/function_model.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

class Sessions {
 public:
  explicit Sessions(const ModelBuilder& model, bool optimise = true) {
    ModelOptions options;
    options.optimise = optimise;
    auto loaded = Model::from_bytes(bytes_of(model.serialized()), "test", options);
    EXPECT_TRUE(loaded) << loaded.error().message;
    if (loaded) session_ = std::make_unique<Session>(*loaded, std::make_shared<ThreadPool>(2));
  }

  Result<std::vector<Tensor>> try_run(const std::vector<Tensor>& inputs) {
    if (!session_) return make_error(Code::invalid_model, "not loaded");
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) shapes.push_back(input.shape());
    ADZE_CHECK(session_->reshape(shapes));
    for (std::size_t i = 0; i < inputs.size(); i++) session_->bind_input(static_cast<int>(i), inputs[i].raw());
    ADZE_CHECK(session_->run(CancelFlag()));
    std::vector<Tensor> outputs;
    for (int i = 0; i < outputs_; i++) {
      const TensorInfo& info = session_->output_info(i);
      auto copy = Tensor::allocate(info.type, info.shape);
      std::ranges::copy(session_->output(i), copy.bytes.begin());
      outputs.push_back(std::move(copy.tensor));
    }
    return outputs;
  }
  Tensor run(const std::vector<Tensor>& inputs) {
    auto outputs = try_run(inputs);
    EXPECT_TRUE(outputs) << outputs.error().message;
    return outputs ? (*outputs)[0] : Tensor::allocate(DType::f32, {0}).tensor;
  }

 private:
  static constexpr int outputs_ = 1;
  std::unique_ptr<Session> session_;
};

TEST(Behaviour01, AutoPadFollowsTheSizeOfEachRun) {
  const Tensor w = random_tensor({2, 1, 3, 3}, 1);
  ModelBuilder same, given;
  for (ModelBuilder* m : {&same, &given}) m->input("x", {-1, 1, -1, -1}).output("y").initializer("w", w);
  auto& automatic = same.node("Conv", {"x", "w"}, {"y"});
  set(automatic, "strides", {2, 2});
  set_string(automatic, "auto_pad", "SAME_UPPER");
  Sessions session(same);
  for (const std::int64_t size : {5, 6, 7, 6, 5}) {
    ModelBuilder m = given;
    auto& conv = m.node("Conv", {"x", "w"}, {"y"});
    set(conv, "strides", {2, 2});
    const std::int64_t odd = size % 2;  // an odd size needs one more
    set(conv, "pads", {odd, odd, 1, 1});
    const Tensor x = random_tensor({1, 1, size, size}, 2);
    EXPECT_TRUE(same_bytes(session.run({x}), Sessions(m).run({x}))) << size;
  }
}

TEST(Behaviour10, BoundsOfClipMayComeWithTheRun) {
  ModelBuilder m;
  m.input("x", {-1}).input("low", {}).input("high", {}).output("y");
  m.node("Relu", {"x"}, {"r"});
  m.node("Clip", {"r", "low", "high"}, {"y"});
  Sessions session(m);
  const Tensor x = tensor_of<float>({3}, {-1, 2, 9});
  const auto run = [&](float low, float high) {
    return values<float>(session.run({x, tensor_of<float>({}, {low}), tensor_of<float>({}, {high})}));
  };
  EXPECT_EQ(run(1, 5), (std::vector<float>{1, 2, 5}));
  EXPECT_EQ(run(3, 4), (std::vector<float>{3, 3, 4}));
  EXPECT_EQ(run(4, 3), (std::vector<float>{3, 3, 3}));
}

TEST(Behaviour18, WeightsThatAreListedAsInputsAreNotAskedFor) {
  ModelBuilder m;
  m.proto().set_ir_version(3);
  m.input("x", {-1, 2}).input("w", {2, 1}).output("y").initializer("w", tensor_of<float>({2, 1}, {1, 10}));
  m.node("MatMul", {"x", "w"}, {"y"});
  expect_values(Sessions(m).run({tensor_of<float>({2, 2}, {1, 2, 3, 4})}), {2, 1}, {21, 43});
}

TEST(Behaviour20, ANonlinearSizeFromTwoInputs) {
  ModelBuilder m;
  m.input("x", {-1, -1}).input("like", {-1, -1}).output("y");
  m.node("Shape", {"like"}, {"s"});
  m.node("Expand", {"x", "s"}, {"y"});
  Sessions session(m);
  expect_values(session.run({tensor_of<float>({1, 2}, {1, 2}), tensor_of<float>({2, 1}, {0, 0})}), {2, 2},
                {1, 2, 1, 2});
  expect_values(session.run({tensor_of<float>({1, 2}, {1, 2}), tensor_of<float>({1, 1}, {0})}), {1, 2}, {1, 2});
}

TEST(Behaviour21, OneSymbolWithTwoSizesNamesBothInputs) {
  ModelBuilder m;
  m.input("a", {-1}).input("b", {-1}).output("y");
  for (int i = 0; i < 2; i++) {
    auto* type = m.proto().mutable_graph()->mutable_input(i)->mutable_type()->mutable_tensor_type();
    type->mutable_shape()->mutable_dim(0)->set_dim_param("n");
  }
  m.node("Add", {"a", "b"}, {"y"});
  Sessions session(m);
  const Tensor one = tensor_of<float>({1}, {1}), two = tensor_of<float>({2}, {1, 2});
  expect_values(session.run({two, two}), {2}, {2, 4});
  const auto refused = session.try_run({two, one});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::bad_input);
  for (const char* part : {"\"a\"", "\"b\"", "\"n\""}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  }
  expect_values(session.run({one, one}), {1}, {2});
}

// Two layers of a function that is a convolution, a normalisation and a ReLU: passes see through it.
TEST(Behaviour22, FunctionsAreOptimisedLikeWhatTheyStandFor) {
  FunctionModel m;
  m.input("x", {-1, 2, 5, 5}).output("y");
  auto& layer = m.function("Layer", {"x", "w", "s"}, {"y"});
  set(node(layer, "Conv", {"x", "w"}, {"c"}), "pads", {1, 1, 1, 1});
  node(layer, "BatchNormalization", {"c", "s", "s", "s", "s"}, {"n"});
  node(layer, "Relu", {"n"}, {"y"});
  for (const char* i : {"1", "2"}) {
    m.initializer(std::string("w") + i, random_tensor({2, 2, 3, 3}, static_cast<std::uint64_t>(*i)));
    m.initializer(std::string("s") + i, random_tensor({2}, static_cast<std::uint64_t>(*i + 5), 0.5f, 1.5f));
  }
  m.call("Layer", {"x", "w1", "s1"}, {"h"});
  m.call("Layer", {"h", "w2", "s2"}, {"y"});
  const Tensor x = random_tensor({3, 2, 5, 5}, 9);
  const Tensor want = Sessions(m, false).run({x});
  expect_values(Sessions(m).run({x}), want.shape(), values<float>(want), 1e-5f);
  auto loaded = Model::from_bytes(bytes_of(m.serialized()), "test", {});
  ASSERT_TRUE(loaded);
  const auto plan = (*loaded)->plan(std::vector<Shape>{{3, 2, 5, 5}}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_LE((*plan)->steps().size(), 4u);  // two convolutions and, at most, the layouts around them
}

TEST(Behaviour24, Scan8RunsInASession) {
  ModelBuilder body, m(8);
  body.input("sum", {}).input("item", {}).output("next", {}).output("seen", {});
  body.node("Add", {"sum", "item"}, {"next"});
  body.node("Identity", {"next"}, {"seen"});
  m.input("lengths", {-1}, DType::i64).input("start", {-1}).input("x", {-1, -1}).output("all");
  auto& scan = m.node("Scan", {"lengths", "start", "x"}, {"last", "all"});
  set(scan, "num_scan_inputs", std::int64_t{1});
  auto* attribute = scan.add_attribute();
  attribute->set_name("body");
  attribute->set_type(onnx::AttributeProto::GRAPH);
  *attribute->mutable_g() = body.proto().graph();
  Sessions session(m);
  const Tensor x = tensor_of<float>({2, 3}, {1, 2, 3, 4, 5, 6}), start = tensor_of<float>({2}, {0, 10});
  for (const auto& [second, want] : std::vector<std::pair<std::int64_t, std::vector<float>>>{
           {3, {1, 3, 6, 14, 19, 25}}, {1, {1, 3, 6, 14, 0, 0}}, {0, {1, 3, 6, 0, 0, 0}}}) {
    expect_values(session.run({tensor_of<std::int64_t>({2}, {3, second}), start, x}), {2, 3}, want);
  }
}

TEST(Behaviour27, ASliceOfNothingJoinsTheRest) {
  ModelBuilder m;
  m.input("x", {-1}).input("end", {1}, DType::i64).output("y");
  m.initializer("zero", tensor_of<std::int64_t>({1}, {0}));
  m.node("Slice", {"x", "zero", "end"}, {"part"});
  set(m.node("Concat", {"part", "x"}, {"y"}), "axis", std::int64_t{0});
  Sessions session(m);
  const Tensor x = tensor_of<float>({2}, {1, 2});
  expect_values(session.run({x, tensor_of<std::int64_t>({1}, {0})}), {2}, {1, 2});
  expect_values(session.run({x, tensor_of<std::int64_t>({1}, {1})}), {3}, {1, 1, 2});
}

}  // namespace
}  // namespace adze::testing
