// A request to stop, raised by any thread, polled between steps and once per tile inside long kernels. A kernel that
// sees it returns early and leaves its output unspecified.
#pragma once

#include <atomic>

namespace adze {

class CancelFlag {
 public:
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  void reset() noexcept { requested_.store(false, std::memory_order_relaxed); }
  bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

}  // namespace adze
