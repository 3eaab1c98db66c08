// Counts of durations in buckets whose width grows with the value, as in HdrHistogram: every one within 1/128.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace adze::bench {

class Histogram {
 public:
  void add(std::uint64_t value) {
    const std::size_t at = index(value);
    if (at >= counts_.size()) counts_.resize(at + 1);
    counts_[at]++;
    total_++;
    sum_ += static_cast<double>(value);
    max_ = std::max(max_, value);
  }

  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  double mean() const { return total_ ? sum_ / static_cast<double>(total_) : 0; }
  // The upper end of the bucket that holds this quantile; 0 when nothing was counted.
  std::uint64_t quantile(double q) const {
    const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); i++) {
      seen += counts_[i];
      if (seen > rank) return std::min(upper(i), max_);
    }
    return max_;
  }

 private:
  static constexpr std::size_t kSteps = 128;  // of each power of two

  static std::size_t index(std::uint64_t value) {
    const auto width = static_cast<std::size_t>(std::bit_width(value));
    const std::size_t shift = width > 8 ? width - 8 : 0;
    return shift * kSteps + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t upper(std::size_t index) {
    const std::size_t shift = index < 2 * kSteps ? 0 : index / kSteps - 1;
    return ((std::uint64_t{index} - shift * kSteps + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0, max_ = 0;
  double sum_ = 0;
};

}  // namespace adze::bench
