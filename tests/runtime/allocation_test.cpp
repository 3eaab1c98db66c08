// After a plan's first run nothing is allocated: malloc and mmap are counted over a thousand runs. Through the C
// interface, nothing is locked or written either.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/runtime/c/handles.h"
#include "tests/support/small_cnn.h"
#include "tests/support/temp_folder.h"

namespace {
std::atomic<long> allocations{0}, locks_and_writes{0};
}

// This program's malloc takes the C library's place; that one is reached by its internal names. mmap is counted at the
// entry that adze calls, as malloc uses the system call directly.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
  allocations++;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t n, std::size_t bytes) {
  allocations++;
  return __libc_calloc(n, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  allocations++;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  allocations++;
  return __libc_memalign(alignment, bytes);
}
}

extern "C" void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) noexcept {
  static const auto next =
      reinterpret_cast<void* (*)(void*, std::size_t, int, int, int, off_t)>(dlsym(RTLD_NEXT, "mmap"));
  allocations++;
  return next(address, length, protection, flags, fd, offset);
}

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto next = reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  locks_and_writes++;
  return next(mutex);
}

extern "C" ssize_t write(int fd, const void* bytes, std::size_t count) {
  static const auto next = reinterpret_cast<ssize_t (*)(int, const void*, std::size_t)>(dlsym(RTLD_NEXT, "write"));
  locks_and_writes++;
  return next(fd, bytes, count);
}

namespace adze::testing {
namespace {

TEST(Allocation, ATestThatCountsNothingWouldPassForNothing) {
  const long before = allocations;
  void* volatile memory = std::malloc(1);
  std::free(memory);
  munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
  EXPECT_GE(allocations - before, 2);
  const long quiet = locks_and_writes;
  std::mutex mutex;
  mutex.lock();
  mutex.unlock();
  EXPECT_EQ(write(STDERR_FILENO, "", 0), 0);
  EXPECT_GE(locks_and_writes - quiet, 2);
}

TEST(Allocation, NoneInAThousandRuns) {
  const std::string bytes = small_cnn();
  const auto model = Model::from_bytes(bytes_of(bytes), "small");
  ASSERT_TRUE(model);
  for (const int threads : {1, 2}) {
    Session session(*model, std::make_shared<ThreadPool>(threads));
    const Shape one{1, 3, 20, 18}, four{4, 3, 20, 18};
    const CancelFlag cancel;
    for (const Shape* shape : {&one, &four}) {
      ASSERT_TRUE(session.reshape({shape, 1}));
      ASSERT_TRUE(session.run(cancel));
    }
    const long before = allocations;
    for (int run = 0; run < 1000; run++) ASSERT_TRUE(session.run(cancel));
    EXPECT_EQ(allocations - before, 0) << threads << " threads";
  }
}

TEST(Allocation, ReturningToAKnownShapeAllocatesNothing) {
  const std::string bytes = small_cnn();
  const auto model = Model::from_bytes(bytes_of(bytes), "small");
  ASSERT_TRUE(model);
  Session session(*model, std::make_shared<ThreadPool>(1));
  const Shape one{1, 3, 20, 18}, four{4, 3, 20, 18};
  const CancelFlag cancel;
  for (const Shape* shape : {&four, &one}) {
    ASSERT_TRUE(session.reshape({shape, 1}));
    ASSERT_TRUE(session.run(cancel));
  }
  const long before = allocations;
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(session.reshape({i % 2 ? &one : &four, 1}));
    ASSERT_TRUE(session.run(cancel));
  }
  EXPECT_EQ(allocations - before, 0);
}

// What the C interface did besides computing during `runs` calls of work(), after a first few.
template <class Work>
long noise(int runs, Work&& work) {
  for (int i = 0; i < 2; i++) work();
  const long before = allocations + locks_and_writes;
  for (int i = 0; i < runs; i++) work();
  return allocations + locks_and_writes - before;
}

TEST(Allocation, TheCInterfaceRunsInSilence) {
  const CModel model(small_cnn());
  const Tensor x = random_tensor({4, 3, 20, 18}, 7);
  for (const int threads : {1, 2}) {
    const CSession session(model, threads);
    inference_tensor in, out[2];
    ASSERT_EQ(inference_session_prepare_rows(session, 4, &in, 1), INFERENCE_OK) << session.error();
    int failures = 0;
    for (const std::int64_t timeout : {INFERENCE_NO_TIMEOUT, std::int64_t{60'000'000'000}}) {
      EXPECT_EQ(noise(300, [&] { failures += inference_session_run(session, timeout) != INFERENCE_OK; }), 0);
    }
    std::int64_t rows = 1;
    inference_tensor given = tensor({4, 3, 20, 18}, const_cast<std::byte*>(x.raw()));
    const auto infer = [&] {
      rows = 5 - rows;
      const std::size_t bytes = x.bytes() / 4 * static_cast<std::size_t>(rows);
      given.dims[0] = rows;
      given.bytes = bytes;
      failures += inference_session_infer(session, &given, 1, out, 2, 60'000'000'000) != INFERENCE_OK;
    };
    EXPECT_EQ(noise(300, infer), 0);
    EXPECT_EQ(failures, 0);
  }
}

TEST(Allocation, PredictRunsInSilence) {
  const TempFolder folder;
  ASSERT_EQ(inference_open(folder.write("sum.onnx", sum_model()).c_str()), INFERENCE_OK) << inference_error();
  const float row[] = {1, 2, 3, 4, 5};
  float sum = 0;
  EXPECT_EQ(noise(300, [&] { sum += predict(reinterpret_cast<const char*>(row), sizeof row); }), 0);
  EXPECT_EQ(sum, 302 * 15);
  inference_close();
}

}  // namespace
}  // namespace adze::testing
