// Profile: time per step, summed over runs. Collected by thread 0, which waits for the others at the barriers, so a
// step's time includes its slowest part.
#pragma once

#include <cstdint>
#include <vector>

namespace adze {

class Profile {
 public:
  // Called by Session::reshape before any add().
  void resize(std::size_t steps) { nanoseconds_.assign(steps, 0); }
  void add(std::size_t step, std::int64_t nanoseconds) { nanoseconds_[step] += nanoseconds; }
  void count_run() { runs_++; }

  std::int64_t runs() const { return runs_; }
  const std::vector<std::int64_t>& nanoseconds() const { return nanoseconds_; }

 private:
  std::vector<std::int64_t> nanoseconds_;
  std::int64_t runs_ = 0;
};

}  // namespace adze
