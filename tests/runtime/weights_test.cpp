// Models whose weights are read from their file when a plan packs them.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/small_cnn.h"
#include "tests/support/temp_folder.h"

namespace adze::testing {
namespace {

constexpr std::int64_t kChannels = 96, kSide = 6, kClasses = 50;

// Large constants in every role: packed, folded, reordered for a flatten, and read as they are.
ModelBuilder wide_model() {
  ModelBuilder m;
  m.input("x", {-1, 8, kSide, kSide}).input("i", {-1}, DType::i64).output("y").output("rows");
  const auto convolution = [&](const std::string& name, std::int64_t in, const std::string& from) {
    m.initializer(name + "w", random_tensor({kChannels, in, 3, 3}, static_cast<std::uint64_t>(name[0])));
    auto& conv = m.node("Conv", {from, name + "w"}, {name + "c"});
    set(conv, "pads", {1, 1, 1, 1});
    for (const char* part : {"s", "t", "m"}) m.initializer(name + part, random_tensor({kChannels}, 2));
    m.initializer(name + "v", random_tensor({kChannels}, 3, 0.5f, 1.5f));
    m.node("BatchNormalization", {name + "c", name + "s", name + "t", name + "m", name + "v"}, {name});
  };
  convolution("a", 8, "x");
  convolution("b", kChannels, "a");
  m.initializer("shift", random_tensor({1, kChannels, kSide, kSide}, 4));
  m.node("Mul", {"b", "shift"}, {"shifted"});
  m.node("Flatten", {"shifted"}, {"flat"});
  m.initializer("fw", random_tensor({kChannels * kSide * kSide, kClasses}, 5));
  m.initializer("fb", random_tensor({kClasses}, 6));
  m.node("Gemm", {"flat", "fw", "fb"}, {"y"});
  m.initializer("table", random_tensor({500, 40}, 7));
  m.node("Gather", {"table", "i"}, {"rows"});
  return m;
}

std::vector<Shape> shapes(std::int64_t batch) { return {{batch, 8, kSide, kSide}, {batch}}; }

// All outputs of one run, one behind the other.
std::vector<std::byte> run(const std::shared_ptr<const Model>& model, std::int64_t batch, int threads) {
  Session session(model, std::make_shared<ThreadPool>(threads));
  const auto ready = session.reshape(shapes(batch));
  EXPECT_TRUE(ready) << (ready ? "" : ready.error().message);
  if (!ready) return {};
  const Tensor x = random_tensor({batch, 8, kSide, kSide}, 9);
  std::memcpy(session.input(0).data(), x.raw(), x.bytes());
  for (std::int64_t n = 0; n < batch; n++) reinterpret_cast<std::int64_t*>(session.input(1).data())[n] = 37 * n;
  const CancelFlag cancel;
  EXPECT_TRUE(session.run(cancel));
  std::vector<std::byte> all;
  for (const int i : {0, 1}) all.insert(all.end(), session.output(i).begin(), session.output(i).end());
  return all;
}

std::shared_ptr<const Model> value(const Result<std::shared_ptr<const Model>>& model) {
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return model ? *model : nullptr;
}

class Weights : public ::testing::Test {
 protected:
  std::shared_ptr<const Model> load(const std::string& name = "m.onnx", const ModelOptions& options = {}) const {
    return value(Model::load(folder_.write_old(name, bytes_), options));
  }

  const std::string bytes_ = wide_model().serialized();
  const TempFolder folder_;
};

TEST_F(Weights, SameResultsAsFromMemoryForEveryPlan) {
  const auto from_memory = value(Model::from_bytes(bytes_of(bytes_), "m"));
  ModelOptions raw;
  raw.optimise = false;
  const auto raw_from_memory = value(Model::from_bytes(bytes_of(bytes_), "m", raw));
  const auto model = load(), raw_model = load("raw.onnx", raw);
  for (const std::int64_t batch : {1, 3, 8}) {
    for (const int threads : {1, 2}) {
      EXPECT_EQ(run(model, batch, threads), run(from_memory, batch, threads)) << batch << " rows";
      EXPECT_EQ(run(raw_model, batch, threads), run(raw_from_memory, batch, threads)) << batch << " rows, raw";
    }
  }
}

TEST_F(Weights, FurtherPlansShareWhatTheFirstOneRead) {
  for (const bool winograd : {true, false}) {
    ModelOptions options;
    options.winograd = winograd;
    const auto model = load("m.onnx", options);
    ASSERT_TRUE(model->plan(shapes(1), 1));
    const std::size_t bytes = model->weight_bytes();
    ASSERT_TRUE(model->plan(shapes(5), 2));
    EXPECT_EQ(model->weight_bytes(), bytes);
    // Once each, but for what packing rounds up; Winograd's weights are more, as its points are more than nine.
    const double once = static_cast<double>(bytes_.size());
    if (!winograd) {
      EXPECT_NEAR(static_cast<double>(bytes), once, 0.2 * once);
    }
  }
}

TEST_F(Weights, ThreadsMayMakePlansAtOnce) {
  const auto model = load();
  const auto want = run(value(Model::from_bytes(bytes_of(bytes_), "m")), 4, 1);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      EXPECT_TRUE(model->plan(shapes(1 + i), 1));
      right += run(model, 4, 1) == want;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
}

TEST_F(Weights, AFileThatIsWrittenToFailsThePlanThatNeedsIt) {
  const auto model = load();
  folder_.write("m.onnx", bytes_);
  for (int again = 0; again < 2; again++) {
    const auto plan = model->plan(shapes(1), 1);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, Code::bad_input);
    EXPECT_NE(plan.error().message.find("m.onnx: "), std::string::npos) << plan.error().message;
    EXPECT_NE(plan.error().message.find("the file was changed"), std::string::npos) << plan.error().message;
  }
}

TEST_F(Weights, AFileThatShrinksFailsThePlanThatNeedsIt) {
  const auto model = load();
  folder_.write("m.onnx", bytes_.substr(0, 1000));
  EXPECT_FALSE(model->plan(shapes(1), 1));
}

TEST_F(Weights, PackedOnesNeedTheFileNoMore) {
  const auto model = load();
  const auto want = run(load("other.onnx"), 3, 1);
  ASSERT_TRUE(model->plan(shapes(1), 1));
  folder_.write("m.onnx", "another");
  EXPECT_EQ(run(model, 3, 1), want);
}

TEST_F(Weights, AFilePutInThePlaceOfTheOldOneMakesNoDifference) {
  const auto model = load();
  const std::string next = folder_.write("next.onnx", "another");
  std::filesystem::rename(next, folder_.path("m.onnx"));
  EXPECT_EQ(run(model, 2, 1), run(load("other.onnx"), 2, 1));
}

TEST_F(Weights, ExternalDataIsReadTheSameWay) {
  ModelBuilder m = wide_model();
  std::string data = "header";
  for (onnx::TensorProto& tensor : *m.proto().mutable_graph()->mutable_initializer()) {
    const auto entry = [&](const char* key, const std::string& text) {
      auto* added = tensor.add_external_data();
      added->set_key(key);
      added->set_value(text);
    };
    entry("location", "w.bin");
    entry("offset", std::to_string(data.size()));
    data += tensor.raw_data();
    tensor.clear_raw_data();
    tensor.set_data_location(1);
  }
  folder_.write_old("w.bin", data);
  const std::string path = folder_.write("external.onnx", m.serialized());
  const auto model = value(Model::load(path)), late = value(Model::load(path));
  EXPECT_EQ(run(model, 2, 2), run(load(), 2, 1));
  folder_.write("w.bin", data);
  const auto plan = late->plan(shapes(1), 1);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("external data \"w.bin\": the file was changed"), std::string::npos)
      << plan.error().message;
}

TEST_F(Weights, ConstantsCountAgainstTheLimit) {
  ModelOptions options;
  options.max_memory = bytes_.size() / 4 * 3;
  const auto model = load("m.onnx", options);
  const auto plan = model->plan(shapes(1), 1);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::resource_limit);
  options.max_memory = 100'000;  // less than one of them
  const auto refused = Model::load(folder_.write("m.onnx", bytes_), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resource_limit);
}

}  // namespace
}  // namespace adze::testing
