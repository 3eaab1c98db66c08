#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "runtime/signals.h"

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

}  // namespace

struct ThreadPool::State {
  State(int n, const ThreadSource& from) : threads(n), source(from) {}
  ~State() {
    stop = true;
    epoch.fetch_add(1, std::memory_order_release);
    epoch.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  const int threads;
  const ThreadSource source;
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
      sense.notify_all();
      return;
    }
    spin(sense, before, kSpinsForOthers);
    sense.wait(before, std::memory_order_acquire);
  }

  // Until the value changes, but not for long: then the thread sleeps. Another that is waited for may need the core,
  // and one that sleeps gets it back sooner than one that yields.
  static void spin(const std::atomic<std::uint32_t>& value, std::uint32_t before, int turns) {
    for (; turns > 0 && value.load(std::memory_order_acquire) == before; turns--) relax();
  }

  void loop(int part) {
    std::uint32_t seen = 0;
    while (true) {
      spin(epoch, seen, kSpinsForWork);
      epoch.wait(seen, std::memory_order_acquire);
      seen = epoch.load(std::memory_order_acquire);
      if (stop) return;
      work(context, part);
      barrier();
    }
  }

  static constexpr int kSpinsForOthers = 4000;  // as long as another thread's share of a step may take
  static constexpr int kSpinsForWork = 200;     // a few microseconds: the next run of a busy engine
};

ThreadPool::ThreadPool(int threads, const ThreadSource& source)
    : state_(std::make_unique<State>(std::max(threads, 1), source)) {
  if (source.run) return;
  const SignalsBlocked blocked;
  for (int part = 1; part < state_->threads; part++) {
    state_->workers.emplace_back([state = state_.get(), part] { state->loop(part); });
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return state_->threads; }

void ThreadPool::run(void (*work)(void*, int), void* context) {
  if (state_->threads == 1) {
    work(context, 0);
    return;
  }
  if (state_->source.run) {
    state_->source.run(state_->source.context, state_->threads, work, context);
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
