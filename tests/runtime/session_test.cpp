#include "runtime/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "runtime/plan.h"
#include "runtime/thread_pool.h"
#include "tests/support/small_cnn.h"
#include "tests/support/winograd_cnn.h"

namespace adze::testing {
namespace {

std::shared_ptr<const Model> load(const std::string& bytes, const ModelOptions& options = {}) {
  auto model = Model::from_bytes(bytes_of(bytes), "small", options);
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return model ? *model : nullptr;
}

// All outputs of one run, one behind the other.
std::vector<float> run(const std::shared_ptr<const Model>& model, const Tensor& x, int threads) {
  Session session(model, std::make_shared<ThreadPool>(threads));
  const Shape shape = x.shape();
  const auto reshaped = session.reshape({&shape, 1});
  EXPECT_TRUE(reshaped) << (reshaped ? "" : reshaped.error().message);
  std::memcpy(session.input(0).data(), x.raw(), x.bytes());
  const CancelFlag cancel;
  const auto done = session.run(cancel);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  std::vector<float> all;
  for (int i = 0; i < static_cast<int>(model->outputs().size()); i++) {
    const auto* values = reinterpret_cast<const float*>(session.output(i).data());
    all.insert(all.end(), values, values + session.output_info(i).elements());
  }
  return all;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Models with one symbolic first dimension, and an image of theirs.
struct Case {
  std::string bytes;
  Shape image;
  Tensor batch(std::int64_t n, std::uint64_t seed) const {
    return random_tensor({n, image[0], image[1], image[2]}, seed);
  }
};
std::vector<Case> cases() { return {{small_cnn(), {3, 20, 18}}, {winograd_cnn(), {16, 14, 14}}}; }

TEST(Session, SameBytesForAnyNumberOfThreads) {
  for (const Case& c : cases()) {
    const auto model = load(c.bytes);
    const Tensor x = c.batch(4, 43);
    const auto one = run(model, x, 1);
    for (const int threads : {2, 5}) EXPECT_TRUE(same_bytes(one, run(model, x, threads))) << threads << " threads";
  }
}

TEST(Session, SameBytesForEveryInstructionSet) {
  for (const Case& c : cases()) {
    const Tensor x = c.batch(2, 44);
    const auto want = run(load(c.bytes), x, 1);
    for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
      if (isa > cpu_isa()) continue;
      ModelOptions options;
      options.isa = isa;
      EXPECT_TRUE(same_bytes(want, run(load(c.bytes, options), x, 1))) << isa_name(isa);
    }
  }
}

TEST(Session, SameBytesAnywhereInABatch) {
  for (const Case& c : cases()) {
    const auto model = load(c.bytes);
    constexpr std::int64_t kBatch = 7;
    const Tensor batch = c.batch(kBatch, 45);
    const auto values = static_cast<std::size_t>(c.image.elements());
    Session session(model, std::make_shared<ThreadPool>(2));
    const Shape shape = batch.shape();
    ASSERT_TRUE(session.reshape({&shape, 1}));
    std::memcpy(session.input(0).data(), batch.raw(), batch.bytes());
    const CancelFlag cancel;
    ASSERT_TRUE(session.run(cancel));
    const std::size_t row = session.output(0).size() / kBatch;
    for (std::size_t n = 0; n < kBatch; n++) {
      const Tensor one =
          Tensor::from<float>({1, c.image[0], c.image[1], c.image[2]}, batch.as<float>().subspan(n * values, values));
      const auto alone = run(model, one, 1);
      EXPECT_EQ(std::memcmp(alone.data(), session.output(0).data() + n * row, row), 0) << "row " << n;
    }
  }
}

TEST(Session, ChangingTheBatchReusesThePackedWeights) {
  const auto model = load(small_cnn());
  Session session(model, std::make_shared<ThreadPool>(1));
  const Shape one{1, 3, 20, 18}, four{4, 3, 20, 18};
  ASSERT_TRUE(session.reshape({&one, 1}));
  const std::size_t bytes = model->weight_bytes();
  ASSERT_TRUE(session.reshape({&four, 1}));
  EXPECT_EQ(model->weight_bytes(), bytes);
}

TEST(Session, ARaisedFlagCancelsAndLeavesTheSessionUsable) {
  const auto model = load(small_cnn());
  Session session(model, std::make_shared<ThreadPool>(2));
  const Shape shape{1, 3, 20, 18};
  ASSERT_TRUE(session.reshape({&shape, 1}));
  CancelFlag cancel;
  cancel.request();
  const auto cancelled = session.run(cancel);
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, Code::cancelled);
  cancel.reset();
  EXPECT_TRUE(session.run(cancel));
}

TEST(Session, AnIndexOutOfRangeNamesItsNode) {
  ModelBuilder m;
  m.input("i", {1}, DType::i64).output("y").initializer("data", random_tensor({4, 2}, 1));
  m.node("Gather", {"data", "i"}, {"y"}).set_name("pick");
  const auto model = load(m.serialized());
  Session session(model, std::make_shared<ThreadPool>(1));
  const Shape shape{1};
  ASSERT_TRUE(session.reshape({&shape, 1}));
  *reinterpret_cast<std::int64_t*>(session.input(0).data()) = 4;
  const CancelFlag cancel;
  const auto failed = session.run(cancel);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::bad_input);
  EXPECT_NE(failed.error().message.find("pick"), std::string::npos) << failed.error().message;
  *reinterpret_cast<std::int64_t*>(session.input(0).data()) = -1;
  EXPECT_TRUE(session.run(cancel));
}

TEST(Session, AnArenaOverTheLimitIsRefused) {
  ModelOptions options;
  options.max_memory = 1 << 20;
  ModelBuilder m;
  m.input("x", {-1}).output("y");
  m.node("Neg", {"x"}, {"y"});
  const auto model = load(m.serialized(), options);
  const Shape shape{1 << 20};
  const auto plan = model->plan({&shape, 1}, 1);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, Code::resource_limit);
}

TEST(Session, AnArenaThatCannotGrowLeavesTheSessionUsable) {
  struct Heap {
    bool empty = false;
    int given = 0;
  } heap;
  const MemorySource source{[](void* context, std::size_t bytes, std::size_t alignment) -> void* {
                              auto& from = *static_cast<Heap*>(context);
                              if (from.empty) return nullptr;
                              from.given++;
                              return std::aligned_alloc(alignment, bytes);
                            },
                            [](void* context, void* memory, std::size_t) {
                              static_cast<Heap*>(context)->given--;
                              std::free(memory);
                            },
                            &heap};
  {
    Session session(load(small_cnn()), std::make_shared<ThreadPool>(1), source);
    const Shape one{1, 3, 20, 18}, eight{8, 3, 20, 18};
    ASSERT_TRUE(session.reshape({&one, 1}));
    heap.empty = true;
    const auto refused = session.reshape({&eight, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::resource_limit);
    EXPECT_FALSE(session.reshape({&one, 1})) << "the old arena is gone";
    heap.empty = false;
    for (const Shape* shape : {&one, &eight}) {
      ASSERT_TRUE(session.reshape({shape, 1}));
      EXPECT_TRUE(session.run(CancelFlag()));
    }
    EXPECT_EQ(heap.given, 1);
  }
  EXPECT_EQ(heap.given, 0);
}

}  // namespace
}  // namespace adze::testing
