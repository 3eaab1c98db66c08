// How long runs take, by the size of the batch: three estimates from the runs so far, zero while nothing is known.
//
// Sizes share a power of two. One that has not run yet is taken to be like the next smaller one that has, or else the
// next larger: scaling up one unlucky run would refuse requests for nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace adze::server {

class RunTimes {
 public:
  using Duration = std::chrono::nanoseconds;

  void record(std::int64_t rows, Duration took);
  // A run that was called off would have taken at least this long.
  void called_off(std::int64_t rows, Duration after);

  // The shortest of the last runs: whoever hasn't even this much time left won't be served. A run that something else
  // on the machine held up doesn't touch it.
  Duration least(std::int64_t rows) const;
  // The running mean.
  Duration mean(std::int64_t rows) const;
  // The mean and a margin for its deviation, as TCP estimates its timeouts (V. Jacobson, Congestion Avoidance and
  // Control, 1988): whoever has this much time left will nearly always be served.
  Duration most(std::int64_t rows) const;

 private:
  struct Estimate {
    std::int64_t runs = 0;
    Duration mean{}, deviation{};
    Duration least_now{}, least_before{};  // of the current and the previous window of runs
  };
  const Estimate* known(std::int64_t rows) const;

  std::array<Estimate, 16> estimates_;
};

}  // namespace adze::server
