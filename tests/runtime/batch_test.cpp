// Models exported for one row, run on many: every row's bytes are those of the row alone, or the model is refused with
// the node that mixes rows.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/small_cnn.h"

namespace adze::testing {
namespace {

constexpr std::int64_t kRows = 3;

struct Output {
  Shape shape;
  std::vector<std::byte> bytes;
};

Result<std::vector<Output>> run(const std::shared_ptr<const Model>& model, const std::vector<Tensor>& inputs) {
  Session session(model, std::make_shared<ThreadPool>(2));
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  ADZE_CHECK(session.reshape(shapes));
  for (std::size_t i = 0; i < inputs.size(); i++) session.bind_input(static_cast<int>(i), inputs[i].raw());
  const CancelFlag cancel;
  ADZE_CHECK(session.run(cancel));
  std::vector<Output> outputs;
  for (int i = 0; i < static_cast<int>(model->outputs().size()); i++) {
    const auto bytes = session.output(i);
    outputs.push_back({session.output_info(i).shape, {bytes.begin(), bytes.end()}});
  }
  return outputs;
}

std::shared_ptr<const Model> load(const ModelBuilder& builder, bool optimise) {
  ModelOptions options;
  options.optimise = optimise;
  auto model = Model::from_bytes(bytes_of(builder.serialized()), "m", options);
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return model ? *model : nullptr;
}

// Rows of random numbers as one batch, and each alone.
struct Rows {
  std::vector<Tensor> batch;
  std::vector<std::vector<Tensor>> single;
};

Rows random_rows(const Model& model) {
  Rows rows{{}, std::vector<std::vector<Tensor>>(kRows)};
  const auto many = model.default_shapes(kRows), one = model.default_shapes(1);
  for (std::size_t i = 0; i < many->size(); i++) {
    const Tensor all = random_tensor((*many)[i], 100 + i, -1, 1);
    rows.batch.push_back(all);
    for (std::size_t r = 0; r < kRows; r++) {
      auto row = Tensor::allocate(DType::f32, (*one)[i]);
      std::memcpy(row.bytes.data(), all.raw() + r * row.bytes.size(), row.bytes.size());
      rows.single[r].push_back(row.tensor);
    }
  }
  return rows;
}

void expect_rows_apart(const ModelBuilder& builder) {
  for (const bool optimise : {false, true}) {
    SCOPED_TRACE(optimise ? "optimised" : "raw");
    const auto model = load(builder, optimise);
    ASSERT_TRUE(model);
    const auto batchable = model->batchable();
    EXPECT_TRUE(batchable) << batchable.error().message;
    const Rows rows = random_rows(*model);
    const auto batch = run(model, rows.batch);
    ASSERT_TRUE(batch) << batch.error().message;
    for (std::size_t r = 0; r < kRows; r++) {
      const auto single = run(model, rows.single[r]);
      ASSERT_TRUE(single) << single.error().message;
      for (std::size_t o = 0; o < single->size(); o++) {
        const Output &whole = (*batch)[o], &row = (*single)[o];
        ASSERT_EQ(whole.shape[0], kRows * row.shape[0]);
        ASSERT_EQ(whole.bytes.size(), kRows * row.bytes.size());
        EXPECT_EQ(std::memcmp(whole.bytes.data() + r * row.bytes.size(), row.bytes.data(), row.bytes.size()), 0)
            << "output " << o << ", row " << r;
      }
    }
  }
}

void expect_refused(const ModelBuilder& builder, const std::string& why) {
  const auto model = load(builder, true);
  ASSERT_TRUE(model);
  const auto batchable = model->batchable();
  ASSERT_FALSE(batchable);
  EXPECT_NE(batchable.error().message.find(why), std::string::npos) << batchable.error().message;
  const Rows rows = random_rows(*model);
  const auto batch = run(model, rows.batch);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, Code::bad_input);
  EXPECT_NE(batch.error().message.find(batchable.error().message), std::string::npos) << batch.error().message;
  EXPECT_TRUE(run(model, rows.single[0])) << "a single row still runs";
}

Tensor ints(std::vector<std::int64_t> values) { return Tensor::from_ints(values); }

// A model of one input "x" and one output "y", written as a chain: step() adds a node from the last value on.
struct Chain : ModelBuilder {
  explicit Chain(const std::vector<std::int64_t>& shape, int opset = 17) : ModelBuilder(opset) {
    input("x", shape).output("y");
  }
  onnx::NodeProto& step(const std::string& op, std::vector<std::string> more = {}) {
    const std::string next = "v" + std::to_string(++count_);
    more.insert(more.begin(), last_);
    auto& made = node(op, more, {next});
    made.set_name(next);
    last_ = next;
    return made;
  }
  Chain& transpose(std::initializer_list<std::int64_t> perm) {
    set(step("Transpose"), "perm", perm);
    return *this;
  }
  Chain& reshape(std::vector<std::int64_t> target) {
    step("Reshape", {constant(ints(std::move(target)))});
    return *this;
  }
  Chain& on_axis(const std::string& op, std::int64_t axis) {
    set(step(op), "axis", axis);
    return *this;
  }
  Chain& matmul(std::int64_t from, std::int64_t to) {
    step("MatMul", {constant(random_tensor({from, to}, 7))});
    return *this;
  }
  Chain& tanh() {
    step("Tanh");
    return *this;
  }
  std::string constant(const Tensor& tensor) {
    const std::string name = "c" + std::to_string(++count_);
    initializer(name, tensor);
    return name;
  }
  const std::string& last() const { return last_; }
  void continue_from(const std::string& value) { last_ = value; }
  const ModelBuilder& done() {
    node("Identity", {last_}, {"y"});
    return *this;
  }

 private:
  std::string last_ = "x";
  int count_ = 0;
};

TEST(Batch, HardCodedReshapes) {
  expect_rows_apart(Chain({1, 4, 3, 2}).reshape({1, -1}).matmul(24, 5).reshape({-1, 5}).tanh().done());
  expect_rows_apart(Chain({1, 24}).reshape({1, 4, 6}).on_axis("Softmax", 1).reshape({0, -1}).done());
  expect_rows_apart(Chain({1, 24}).reshape({24}).tanh().reshape({1, 2, 12}).done());
  expect_rows_apart(Chain({1, 4, 6}).reshape({-1, 6}).matmul(6, 3).reshape({1, 4, 3}).done());
  expect_rows_apart(
      Chain({1, 12, 2, 2}).reshape({1, 3, 4, 2, 2}).transpose({0, 2, 1, 3, 4}).reshape({1, 12, 2, 2}).done());
  // Boxes: rows of one row.
  expect_rows_apart(Chain({1, 4, 6}).reshape({-1, 3}).on_axis("Softmax", 1).done());
  expect_rows_apart(Chain({1, 4, 6}).on_axis("Flatten", 0).tanh().done());
}

TEST(Batch, BatchWithinAMergedAxis) {
  // [t, n, c] to [t n, c] and back, with a product between.
  expect_rows_apart(Chain({1, 5, 6})
                        .transpose({1, 0, 2})
                        .reshape({5, 6})
                        .matmul(6, 4)
                        .reshape({5, 1, 4})
                        .transpose({1, 0, 2})
                        .done());
  // Heads in front: [n h, t, d].
  expect_rows_apart(
      Chain({1, 4, 3, 2}).reshape({4, 3, 2}).on_axis("Softmax", 2).matmul(2, 5).reshape({1, 4, 3, 5}).done());
}

TEST(Batch, BatchOnAnotherAxis) {
  expect_rows_apart(Chain({1, 5, 6}).transpose({1, 0, 2}).on_axis("Softmax", 0).transpose({1, 0, 2}).done());
  expect_rows_apart(Chain({1, 6}).transpose({1, 0}).tanh().transpose({1, 0}).done());
}

// Behind the axis of a sum, a batch of one is neighbour to nothing, a larger one is: the order may not follow that. The
// layout pass may put it there by itself.
TEST(Batch, BatchBehindASum) {
  expect_rows_apart(Chain({1, 50}).transpose({1, 0}).on_axis("Softmax", 0).transpose({1, 0}).done());
  Chain moved({1, 6, 3});
  moved.transpose({2, 1, 0});
  moved.step("Tile", {moved.constant(ints({1, 9, 1}))});
  expect_rows_apart(moved.transpose({2, 1, 0}).on_axis("Softmax", 1).done());
  for (const char* op : {"ReduceMean", "ReduceL2", "ReduceMax"}) {
    Chain behind({1, 50});
    behind.transpose({1, 0});
    set(behind.step(op), "axes", {0});
    expect_rows_apart(behind.transpose({1, 0}).done());
    Chain between({1, 5, 7});
    between.transpose({1, 0, 2});
    set(between.step(op), "axes", {0, 2});
    expect_rows_apart(between.transpose({1, 0, 2}).done());
  }
}

// Attention as PyTorch exports it for sequences first: heads merged with the batch.
TEST(Batch, SequenceFirstAttention) {
  Chain m({1, 5, 8});
  m.transpose({1, 0, 2}).reshape({5, 8});
  const std::string tokens = m.last();
  std::vector<std::string> parts;
  for (int i = 0; i < 3; i++) {
    m.continue_from(tokens);
    m.step("Gemm",
           {m.constant(random_tensor({8, 8}, 20 + static_cast<std::uint64_t>(i))), m.constant(random_tensor({8}, 30))});
    m.reshape({5, 2, 4}).transpose({1, 0, 2});
    parts.push_back(m.last());
  }
  m.continue_from(parts[1]);
  m.transpose({0, 2, 1});
  const std::string keys = m.last();
  m.continue_from(parts[0]);
  m.step("MatMul", {keys});
  m.on_axis("Softmax", -1);
  m.step("MatMul", {parts[2]});
  m.transpose({1, 0, 2}).reshape({5, 8}).matmul(8, 8).reshape({5, 1, 8}).transpose({1, 0, 2});
  expect_rows_apart(m.done());
}

TEST(Batch, ConstantsOfOneRow) {
  Chain token({1, 4, 6});  // a class token in front of the others
  auto& joined = token.node("Concat", {token.constant(random_tensor({1, 1, 6}, 1)), "x"}, {"joined"});
  set(joined, "axis", std::int64_t{1});
  token.continue_from("joined");
  token.step("Add", {token.constant(random_tensor({1, 5, 6}, 2))});
  expect_rows_apart(token.done());

  Chain expanded({1, 1, 6});
  expanded.step("Expand", {expanded.constant(ints({1, 4, 6}))});
  expect_rows_apart(expanded.done());

  Chain cut({1, 5, 6});  // ends that say 1 where the batch is
  cut.step("Slice", {cut.constant(ints({0, 1})), cut.constant(ints({1, 4})), cut.constant(ints({0, 1}))});
  expect_rows_apart(cut.done());

  Chain sized({1, 2, 3, 3});
  auto& resize = sized.step("Resize", {"", "", sized.constant(ints({1, 2, 6, 6}))});
  set_string(resize, "mode", "linear");
  expect_rows_apart(sized.done());
}

TEST(Batch, RecurrentStates) {
  Chain m({1, 4, 3});
  m.transpose({1, 0, 2});
  const Tensor zeros = Tensor::allocate(DType::f32, {1, 1, 5}).tensor;
  auto& lstm = m.step("LSTM", {m.constant(random_tensor({1, 20, 3}, 1)), m.constant(random_tensor({1, 20, 5}, 2)), "",
                               "", m.constant(zeros), m.constant(random_tensor({1, 1, 5}, 3))});
  set(lstm, "hidden_size", std::int64_t{5});
  m.step("Squeeze", {m.constant(ints({1}))});
  m.transpose({1, 0, 2});
  expect_rows_apart(m.done());

  // A state of rank 2 gets its axis in front, where the batch may not be taken to lie.
  Chain state({1, 5});
  state.step("Unsqueeze", {state.constant(ints({0}))});
  auto& gru = state.node("GRU",
                         {state.constant(random_tensor({4, 1, 3}, 4)), state.constant(random_tensor({1, 15, 3}, 5)),
                          state.constant(random_tensor({1, 15, 5}, 6)), "", "", state.last()},
                         {"h"});
  set(gru, "hidden_size", std::int64_t{5});
  state.continue_from("h");
  state.reshape({4, 1, 5}).transpose({1, 0, 2});
  expect_rows_apart(state.done());
}

// The export left a state of one row in a model whose batch is symbolic.
TEST(Batch, SymbolicBatchWithAStateOfOneRow) {
  Chain m({-1, 4, 3});
  m.transpose({1, 0, 2});
  auto& gru = m.step("GRU", {m.constant(random_tensor({1, 15, 3}, 1)), m.constant(random_tensor({1, 15, 5}, 2)), "", "",
                             m.constant(random_tensor({1, 1, 5}, 3))});
  set(gru, "hidden_size", std::int64_t{5});
  m.step("Squeeze", {m.constant(ints({1}))});
  expect_rows_apart(m.transpose({1, 0, 2}).done());

  Chain misfit({-1, 6});  // no batch helps
  misfit.step("Add", {misfit.constant(random_tensor({1, 5}, 1))});
  const auto failed = run(load(misfit.done(), true), {random_tensor({3, 6}, 1)});
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("shapes 3x6 and 1x5 don't broadcast"), std::string::npos)
      << failed.error().message;
}

TEST(Batch, WhatWasComputedFromShapesStaysThatOfOneRow) {
  Chain m({1, 6});
  m.node("Shape", {"x"}, {"shape"});
  m.node("ConstantOfShape", {"shape"}, {"zeros"});
  set(m.step("Concat", {"zeros"}), "axis", std::int64_t{1});
  set(m.node("Cast", {"shape"}, {"sizes"}), "to", std::int64_t{1});
  m.node("ReduceMax", {"sizes"}, {"most"});
  m.step("Div", {"most"});
  expect_rows_apart(m.done());
}

TEST(Batch, GatheredRows) {
  Chain rows({1, 5, 4});
  set(rows.step("Gather", {rows.constant(ints({3, 0, -1}))}), "axis", std::int64_t{1});
  expect_rows_apart(rows.done());
  Chain points({1, 5, 4});
  const std::int64_t at[] = {4, 0, 2, 3};
  set(points.step("GatherND", {points.constant(Tensor::from<std::int64_t>({1, 2, 2}, at))}), "batch_dims",
      std::int64_t{1});
  expect_rows_apart(points.done());
  Chain first({1, 4});
  set(first.step("Gather", {first.constant(ints({0}))}), "axis", std::int64_t{0});
  expect_refused(first.done(), "(Gather): it works across the batch");
}

TEST(Batch, ATypeIsNoContent) {
  Chain m({1, 4});
  m.node("CastLike", {m.constant(ints({1, 2, 3, 4})), "x"}, {"numbers"});
  m.step("Mul", {"numbers"});
  expect_rows_apart(m.done());
}

TEST(Batch, SeveralInputs) {
  Chain m({1, 4, 6});
  m.input("z", {1, 6, 4});
  m.step("MatMul", {"z"});
  expect_rows_apart(m.done());
}

// The model with its input declared as one row.
ModelBuilder for_one_row(const std::string& bytes) {
  ModelBuilder builder;
  EXPECT_TRUE(builder.proto().ParseFromString(bytes));
  auto* input = builder.proto().mutable_graph()->mutable_input(0);
  input->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_value(1);
  return builder;
}

TEST(Batch, WholeNetworks) {
  expect_rows_apart(for_one_row(small_cnn()));
  for (const char* name : {"digits/digits.onnx", "tabular/tumour.onnx"}) {
    SCOPED_TRACE(name);
    std::ifstream file(std::string(ADZE_SOURCE_DIR "/examples/") + name, std::ios::binary);
    expect_rows_apart(for_one_row(std::string(std::istreambuf_iterator<char>(file), {})));
  }
}

TEST(Batch, NodesThatMixRowsAreNamed) {
  Chain mean({1, 6});
  set(mean.step("ReduceMean"), "axes", {0});
  expect_refused(mean.done(), "node \"v1\" (ReduceMean): it works across the batch");
  expect_refused(Chain({1, 6}).on_axis("Softmax", 0).done(), "(Softmax): it works across the batch");
  Chain sums({1, 6});
  sums.step("CumSum", {sums.constant(ints({0}))});
  expect_refused(sums.done(), "(CumSum): it works across the batch");
  Chain stacked({1, 6});
  set(stacked.step("Concat", {"x"}), "axis", std::int64_t{0});
  expect_refused(stacked.done(), "(Concat): it combines rows of the batch");
  Chain left({1, 6});
  left.node("MatMul", {left.constant(random_tensor({4, 1}, 1)), "x"}, {"left"});
  left.continue_from("left");
  expect_refused(left.done(), "(MatMul): it works across the batch");
  Chain gram({1, 6});
  gram.transpose({1, 0});
  const std::string turned = gram.last();
  gram.continue_from("x");
  gram.step("MatMul", {turned});
  expect_refused(gram.done(), "(MatMul): it combines rows of the batch");
}

TEST(Batch, ProductsOfTurnedMatrices) {
  const auto model = [](const std::vector<std::int64_t>& shape, const char* flag, const Tensor* right, bool turn) {
    Chain m(shape);
    auto* import = m.proto().add_opset_import();
    import->set_domain("com.microsoft");
    import->set_version(1);
    if (turn) m.transpose({1, 0});
    const std::string last = m.last();
    auto& product = m.step("FusedMatMul", {right ? m.constant(*right) : last});
    product.set_domain("com.microsoft");
    set(product, flag, std::int64_t{1});
    return m.done();
  };
  const Tensor weights = random_tensor({6, 5}, 3), turned = random_tensor({5, 6}, 4);
  expect_rows_apart(model({1, 4, 6}, "transA", nullptr, false));
  expect_rows_apart(model({1, 4, 6}, "transB", nullptr, false));
  expect_rows_apart(model({1, 6}, "transA", &weights, true));
  expect_rows_apart(model({1, 6}, "transB", &turned, false));
  expect_refused(model({1, 6}, "transA", nullptr, false), "(FusedMatMul): it combines rows of the batch");
  expect_refused(model({1, 6}, "transB", nullptr, false), "(FusedMatMul): it combines rows of the batch");
}

// Before version 13 Softmax saw all axes from its own on as one.
TEST(Batch, SoftmaxOverAMatrix) {
  expect_rows_apart(Chain({1, 4, 6}, 12).on_axis("Softmax", 1).done());
  expect_refused(Chain({1, 4, 6}, 12).on_axis("Softmax", 0).done(), "(Softmax)");
  expect_refused(Chain({1, 4, 6}, 12).transpose({1, 0, 2}).on_axis("Softmax", 1).transpose({1, 0, 2}).done(),
                 "(Softmax)");
}

TEST(Batch, NormalisationsOfOneRow) {
  Chain m({1, 4, 6});
  m.step("InstanceNormalization", {m.constant(random_tensor({4}, 1)), m.constant(random_tensor({4}, 2))});
  expect_rows_apart(m.done());
  Chain turned({1, 4, 6});  // the batch where the channels are
  turned.transpose({1, 0, 2});
  turned.step("InstanceNormalization",
              {turned.constant(random_tensor({1}, 1)), turned.constant(random_tensor({1}, 2))});
  expect_refused(turned.done(), "(InstanceNormalization)");
}

TEST(Batch, AMergedBatchMustComeApart) {
  // The columns of a product over [c, n]: merged with c, the batch is no axis that a product keeps.
  expect_refused(Chain({1, 4, 6}).transpose({1, 2, 0}).reshape({4, 6}).matmul(6, 3).done(), "(MatMul)");
  expect_refused(Chain({1, 2, 3, 4}).transpose({1, 2, 0, 3}).reshape({4, 6}).done(), "(Reshape): it merges the batch");
}

// A dimension that happens to be 1 is not the batch.
TEST(Batch, OnesThatAreNotTheBatch) {
  // The target's 1 is a channel that the transpose brought in front, and the batch follows the rows.
  expect_refused(Chain({1, 3, 4}).transpose({1, 0, 2}).reshape({1, 3, 4}).on_axis("Softmax", 2).done(),
                 "output \"y\" of shape 1x3x4 has the batch on axis 1");
  expect_rows_apart(Chain({1, 1, 3, 4}).reshape({1, 3, 4}).tanh().reshape({1, 1, 12}).done());
  Chain summed({1, 1, 6});  // over an axis of size 1 behind the batch
  set(summed.step("ReduceMean"), "axes", {1});
  expect_rows_apart(summed.done());
  Chain broadcast({1, 1, 6});
  broadcast.step("Add", {broadcast.constant(random_tensor({1, 4, 1}, 1))});
  expect_rows_apart(broadcast.done());
  Chain stretched({1, 6});  // the batch axis itself is stretched
  stretched.step("Add", {stretched.constant(random_tensor({4, 6}, 1))});
  expect_refused(stretched.done(), "(Add)");
}

TEST(Batch, OutputsThatAreNoRows) {
  ModelBuilder m;
  m.input("x", {1, 6}).output("y").output("table");
  m.node("Tanh", {"x"}, {"y"});
  m.initializer("c", random_tensor({1, 6}, 1));
  m.node("Identity", {"c"}, {"table"});
  expect_refused(m, "output \"table\" is the same for all rows");
  expect_refused(Chain({1, 6}).transpose({1, 0}).done(), "has the batch on axis 1");
}

TEST(Batch, OtherBatchesThanOne) {
  Chain m({2, 6});
  const auto batchable = load(m.tanh().done(), true)->batchable();
  ASSERT_FALSE(batchable);
  EXPECT_EQ(batchable.error().message, "input \"x\" of shape 2x6 is no batch of 1");
}

TEST(Batch, InputsMustAgree) {
  Chain m({1, 6});
  m.input("z", {1, 6});
  m.step("Add", {"z"});
  const auto model = load(m.done(), true);
  const auto mixed = run(model, {random_tensor({3, 6}, 1), random_tensor({2, 6}, 2)});
  ASSERT_FALSE(mixed);
  EXPECT_NE(mixed.error().message.find("input \"x\" of shape 3x6 is no batch of 2 rows"), std::string::npos)
      << mixed.error().message;
}

}  // namespace
}  // namespace adze::testing
