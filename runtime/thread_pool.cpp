#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace adze {
namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Spins for as long as another thread's share of a step may take, then gives the core away: on a machine with fewer
// cores than threads the one that is waited for needs it.
class Spin {
 public:
  void once() {
    if (++turns_ < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr int kSpins = 4000;
  int turns_ = 0;
};

}  // namespace

struct ThreadPool::State {
  explicit State(int n) : threads(n) {}

  const int threads;
  std::vector<std::thread> workers;

  // A run: bumped to wake the workers, who park on it (a futex) between runs.
  alignas(64) std::atomic<std::uint32_t> epoch{0};
  void (*work)(void*, int) = nullptr;
  void* context = nullptr;
  bool stop = false;

  // Sense-reversing barrier.
  alignas(64) std::atomic<int> waiting{0};
  alignas(64) std::atomic<std::uint32_t> sense{0};

  void barrier() {
    const std::uint32_t before = sense.load(std::memory_order_relaxed);
    if (waiting.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      waiting.store(0, std::memory_order_relaxed);
      sense.store(before + 1, std::memory_order_release);
      return;
    }
    for (Spin spin; sense.load(std::memory_order_acquire) == before;) spin.once();
  }

  void loop(int part) {
    std::uint32_t seen = 0;
    while (true) {
      // A short spin catches the next run of a busy engine; then the thread sleeps.
      for (int turn = 0; turn < kSpinsBeforePark && epoch.load(std::memory_order_acquire) == seen; turn++) relax();
      epoch.wait(seen, std::memory_order_acquire);
      seen = epoch.load(std::memory_order_acquire);
      if (stop) return;
      work(context, part);
      barrier();
    }
  }

  static constexpr int kSpinsBeforePark = 1000;
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>(std::max(threads, 1))) {
  for (int part = 1; part < state_->threads; part++) {
    state_->workers.emplace_back([state = state_.get(), part] { state->loop(part); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->epoch.fetch_add(1, std::memory_order_release);
  state_->epoch.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return state_->threads; }

void ThreadPool::run(void (*work)(void*, int), void* context) {
  if (state_->threads == 1) {
    work(context, 0);
    return;
  }
  state_->work = work;
  state_->context = context;
  state_->epoch.fetch_add(1, std::memory_order_release);
  state_->epoch.notify_all();
  work(context, 0);
  state_->barrier();
}

void ThreadPool::barrier() {
  if (state_->threads > 1) state_->barrier();
}

}  // namespace adze
