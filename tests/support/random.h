// Seeded values, the same on every machine and standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace adze::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1du;
  }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }
  float uniform(float low = -1, float high = 1) {
    return low + (high - low) * static_cast<float>(next() >> 40) * 0x1p-24f;
  }
  void fill(std::span<float> values, float low = -1, float high = 1) {
    for (float& value : values) value = uniform(low, high);
  }

 private:
  std::uint64_t state_;
};

}  // namespace adze::testing
