// Static partition: every thread runs the same step and takes its own part of the output. Which part an element
// falls into never changes its value, so any number of threads gives the same bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace adze {

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool empty() const { return begin >= end; }
  std::int64_t size() const { return end - begin; }
};

struct Slice {
  int part = 0;
  int parts = 1;

  // This part's share of [0, n), cut at multiples of `grain`.
  Range of(std::int64_t n, std::int64_t grain = 1) const {
    const std::int64_t units = (n + grain - 1) / grain;
    const std::int64_t begin = units * part / parts;
    const std::int64_t end = units * (part + 1) / parts;
    return {std::min(begin * grain, n), std::min(end * grain, n)};
  }
};

}  // namespace adze
