// After a plan's first run nothing is allocated: malloc and mmap are counted over a thousand runs.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>

#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/small_cnn.h"

namespace {
std::atomic<long> allocations{0};
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

namespace adze::testing {
namespace {

TEST(Allocation, ATestThatCountsNothingWouldPassForNothing) {
  const long before = allocations;
  void* volatile memory = std::malloc(1);
  std::free(memory);
  munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
  EXPECT_GE(allocations - before, 2);
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

}  // namespace
}  // namespace adze::testing
