#include "runtime/session.h"

#include <atomic>
#include <set>
#include <thread>

#include "runtime/thread_pool.h"
#include "tests/runtime/c/handles.h"

namespace adze::testing {
namespace {

const std::vector<std::int64_t> kImages = {4, 3, 20, 18};

Tensor images() { return random_tensor({4, 3, 20, 18}, 7); }

// What the C++ session gives, all outputs one behind the other.
std::vector<float> want() {
  const auto model = Model::from_bytes(bytes_of(small_cnn()), "small");
  EXPECT_TRUE(model);
  Session session(*model, std::make_shared<ThreadPool>(1));
  const Tensor x = images();
  const Shape shape = x.shape();
  EXPECT_TRUE(session.reshape({&shape, 1}));
  session.bind_input(0, x.raw());
  EXPECT_TRUE(session.run(CancelFlag()));
  std::vector<float> all;
  for (const int i : {0, 1}) {
    const auto* values = reinterpret_cast<const float*>(session.output(i).data());
    all.insert(all.end(), values, values + session.output_info(i).elements());
  }
  return all;
}

std::vector<float> outputs(inference_session* session) {
  std::vector<float> all;
  for (const size_t i : {0u, 1u}) {
    inference_tensor out;
    EXPECT_EQ(inference_session_output(session, i, &out), INFERENCE_OK) << inference_session_error(session);
    const auto values = floats(out);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(CSessionHandle, RunsWhatItWasPreparedForAgainAndAgain) {
  const CModel model(small_cnn());
  const Tensor x = images();
  for (const int threads : {1, 2}) {
    const CSession session(model, threads);
    ASSERT_EQ(session.status(), INFERENCE_OK) << session.error();
    EXPECT_EQ(inference_session_arena_bytes(session), 0u);
    inference_tensor in = tensor(kImages);
    ASSERT_EQ(inference_session_prepare(session, &in, 1), INFERENCE_OK) << session.error();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(in.data) % 64, 0u);
    EXPECT_EQ(in.type, INFERENCE_FLOAT);
    ASSERT_EQ(in.bytes, x.bytes());
    EXPECT_GT(inference_session_arena_bytes(session), in.bytes);
    for (int run = 0; run < 3; run++) {
      std::memcpy(in.data, x.raw(), x.bytes());
      ASSERT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session.error();
      EXPECT_EQ(outputs(session), want());
    }
    inference_tensor out;
    ASSERT_EQ(inference_session_output(session, 0, &out), INFERENCE_OK);
    ASSERT_EQ(out.rank, 2);
    EXPECT_EQ(out.dims[0], 4);
    EXPECT_EQ(out.dims[1], 10);
  }
}

TEST(CSessionHandle, InfersInOneCall) {
  const CModel model(small_cnn());
  const CSession session(model, 2);
  const Tensor x = images();
  const std::vector<float> all = want();
  const std::size_t row = x.bytes() / 4;
  for (const std::int64_t rows : {4, 1, 4, 1}) {
    inference_tensor in = tensor({rows, 3, 20, 18}, const_cast<std::byte*>(x.raw()), row * static_cast<size_t>(rows));
    inference_tensor out[2];
    ASSERT_EQ(inference_session_infer(session, &in, 1, out, 2, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session.error();
    const auto first = floats(out[0]);
    ASSERT_EQ(first.size(), static_cast<size_t>(rows) * 10);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), all.begin())) << rows << " rows";
    EXPECT_EQ(out[1].dims[0], rows);
  }
}

TEST(CSessionHandle, RowsMakeABatchOfTheModelsOwnShapes) {
  const CModel model(small_cnn());
  const CSession session(model);
  inference_tensor in;
  ASSERT_EQ(inference_session_prepare_rows(session, 4, &in, 1), INFERENCE_OK) << session.error();
  EXPECT_EQ(std::vector<std::int64_t>(in.dims, in.dims + in.rank), kImages);
  const Tensor x = images();
  std::memcpy(in.data, x.raw(), x.bytes());
  ASSERT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_OK);
  EXPECT_EQ(outputs(session), want());
  for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX}) {
    EXPECT_NE(inference_session_prepare_rows(session, rows, &in, 1), INFERENCE_OK) << rows;
  }
  ModelBuilder fixed;
  fixed.input("x", {3}).output("y").node("Neg", {"x"}, {"y"});
  const CModel three(fixed.serialized());
  const CSession other(three);
  EXPECT_EQ(inference_session_prepare_rows(other, 1, &in, 1), INFERENCE_OK) << other.error();
  EXPECT_EQ(inference_session_prepare_rows(other, 2, &in, 1), INFERENCE_BAD_INPUT);
}

TEST(CSessionHandle, RefusesWhatDoesNotFit) {
  const CModel model(small_cnn());
  const CSession session(model);
  Tensor x = images();
  const auto infer = [&](inference_tensor in, size_t inputs = 1, size_t outputs = 2) {
    inference_tensor out[3];
    return inference_session_infer(session, &in, inputs, out, outputs, INFERENCE_NO_TIMEOUT);
  };
  auto* data = const_cast<std::byte*>(x.raw());
  const inference_tensor right = tensor(kImages, data, x.bytes());
  inference_tensor out;
  EXPECT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_BAD_INPUT);
  EXPECT_EQ(inference_session_output(session, 0, &out), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(right), INFERENCE_OK) << session.error();
  EXPECT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_BAD_INPUT) << "nothing to run on";
  EXPECT_EQ(infer(right, 0), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(right, 1, 1), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(tensor(kImages, data, x.bytes() - 4)), INFERENCE_BAD_INPUT);
  EXPECT_NE(session.error().find("\"x\""), std::string::npos) << session.error();
  EXPECT_EQ(inference_session_output(session, 0, &out), INFERENCE_BAD_INPUT) << "an old result after a failure";
  EXPECT_EQ(infer(tensor(kImages, nullptr, x.bytes())), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(tensor(kImages, data + 1, x.bytes())), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(tensor({4, 3, 20}, data, x.bytes())), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(tensor({4, 3, 18, 20}, data, x.bytes())), INFERENCE_BAD_INPUT);
  EXPECT_NE(session.error().find("Nx3x20x18, not 4x3x18x20"), std::string::npos) << session.error();
  EXPECT_EQ(infer(tensor({-4, 3, 20, 18}, data, x.bytes())), INFERENCE_BAD_INPUT);
  EXPECT_EQ(infer(tensor({INT64_MAX, 3, 20, 18}, data, x.bytes())), INFERENCE_BAD_INPUT);
  for (const std::int32_t rank : {-1, 9, INT32_MAX}) {
    inference_tensor in = right;
    in.rank = rank;
    EXPECT_EQ(infer(in), INFERENCE_BAD_INPUT) << rank;
  }
  for (const inference_type type : {INFERENCE_INT32, -1, 1 << 8 | INFERENCE_FLOAT}) {
    inference_tensor in = right;
    in.type = type;
    EXPECT_EQ(infer(in), INFERENCE_BAD_INPUT) << type;
  }
  EXPECT_EQ(infer(right), INFERENCE_OK) << session.error();
}

TEST(CSessionHandle, RefusesWrongOptions) {
  const CModel model(small_cnn());
  EXPECT_EQ(CSession(model, -1).status(), INFERENCE_BAD_INPUT);
  EXPECT_EQ(CSession(model, 100000).status(), INFERENCE_BAD_INPUT);
  inference_session_options options = {};
  options.struct_size = sizeof options;
  options.allocate = [](void*, size_t, size_t) -> void* { return nullptr; };
  EXPECT_EQ(CSession(model, options).status(), INFERENCE_BAD_INPUT) << "allocate without release";
}

// A heap of the caller's that knows what it gave away.
struct Heap {
  std::set<void*> given;
  size_t bytes = 0, most = SIZE_MAX;

  static void* allocate(void* context, size_t bytes, size_t alignment) {
    auto& heap = *static_cast<Heap*>(context);
    if (heap.bytes + bytes > heap.most) return nullptr;
    void* memory = std::aligned_alloc(alignment, bytes);
    std::memset(memory, 0xff, bytes);  // NaNs: what a run reads before writing it shows
    heap.given.insert(memory);
    heap.bytes += bytes;
    return memory;
  }
  static void release(void* context, void* memory, size_t bytes) {
    auto& heap = *static_cast<Heap*>(context);
    EXPECT_EQ(heap.given.erase(memory), 1u);
    heap.bytes -= bytes;
    std::free(memory);
  }
};

TEST(CSessionHandle, TheArenaIsTheCallersMemory) {
  const CModel model(small_cnn());
  Heap heap;
  inference_session_options options = {};
  options.struct_size = sizeof options;
  options.threads = 2;
  options.allocate = Heap::allocate;
  options.release = Heap::release;
  options.memory_context = &heap;
  {
    const CSession session(model, options);
    const Tensor x = images();
    for (const std::int64_t rows : {1, 4}) {
      inference_tensor in;
      ASSERT_EQ(inference_session_prepare_rows(session, rows, &in, 1), INFERENCE_OK) << session.error();
      ASSERT_EQ(heap.given.size(), 1u);
      EXPECT_EQ(heap.bytes, inference_session_arena_bytes(session));
      std::memcpy(in.data, x.raw(), in.bytes);
      ASSERT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_OK);
    }
    EXPECT_EQ(outputs(session), want());
    heap.most = heap.bytes;
    inference_tensor in;
    EXPECT_EQ(inference_session_prepare_rows(session, 64, &in, 1), INFERENCE_RESOURCE_LIMIT);
    EXPECT_EQ(inference_session_run(session, INFERENCE_NO_TIMEOUT), INFERENCE_BAD_INPUT);
    EXPECT_EQ(inference_session_prepare_rows(session, 4, &in, 1), INFERENCE_OK) << session.error();
  }
  EXPECT_TRUE(heap.given.empty());
  EXPECT_EQ(heap.bytes, 0u);
}

TEST(CSessionHandle, RunsOnThreadsOfTheCaller) {
  struct Crew {
    std::atomic<int> runs{0};
    std::set<std::int32_t> parts;
    static void run(void* context, std::int32_t parts, void (*work)(void*, std::int32_t), void* argument) {
      auto& crew = *static_cast<Crew*>(context);
      crew.runs++;
      std::vector<std::thread> threads;
      for (std::int32_t part = 1; part < parts; part++) threads.emplace_back(work, argument, part);
      for (std::int32_t part = 0; part < parts; part++) crew.parts.insert(part);
      work(argument, 0);
      for (std::thread& thread : threads) thread.join();
    }
  } crew;
  const CModel model(long_model(2));
  inference_session_options options = {};
  options.struct_size = sizeof options;
  options.threads = 3;
  options.run_parts = Crew::run;
  options.threads_context = &crew;
  const CSession alone(model, 1), session(model, options);
  const Tensor x = random_tensor({64, 512}, 3);
  inference_tensor in = tensor({64, 512}, const_cast<std::byte*>(x.raw()), x.bytes()), one, three;
  ASSERT_EQ(inference_session_infer(alone, &in, 1, &one, 1, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << alone.error();
  ASSERT_EQ(inference_session_infer(session, &in, 1, &three, 1, INFERENCE_NO_TIMEOUT), INFERENCE_OK) << session.error();
  EXPECT_EQ(floats(one), floats(three));
  EXPECT_EQ(crew.runs, 1);
  EXPECT_EQ(crew.parts, (std::set<std::int32_t>{0, 1, 2}));
}

TEST(CSessionHandle, OneModelServesSessionsOnManyThreads) {
  const CModel model(small_cnn());
  const Tensor x = images();
  const std::vector<float> all = want();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      const CSession session(model, 1);
      for (int run = 0; run < 5; run++) {
        inference_tensor in = tensor(kImages, const_cast<std::byte*>(x.raw()), x.bytes()), out[2];
        if (inference_session_infer(session, &in, 1, out, 2, INFERENCE_NO_TIMEOUT) == INFERENCE_OK &&
            outputs(session) == all) {
          right++;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 20);
}

}  // namespace
}  // namespace adze::testing
