// Operands with fixed pseudo-random content, and the sums in double that outputs are compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <new>
#include <random>
#include <vector>

namespace adze::bench {

// Floats at a multiple of 64 bytes, as packed operands must lie; zeros at first.
class Floats {
 public:
  explicit Floats(std::int64_t size) : size_(size), data_(static_cast<float*>(::operator new[](bytes(), kAlign))) {
    std::fill_n(data_.get(), size, 0.0f);
  }

  static Floats random(std::int64_t size, unsigned seed) {
    Floats floats(size);
    std::minstd_rand generator(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (std::int64_t i = 0; i < size; i++) floats[i] = uniform(generator);
    return floats;
  }

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }
  float& operator[](std::int64_t i) { return data_[static_cast<std::size_t>(i)]; }
  float operator[](std::int64_t i) const { return data_[static_cast<std::size_t>(i)]; }

 private:
  static constexpr std::align_val_t kAlign{64};
  struct Delete {
    void operator()(float* p) const { ::operator delete[](p, kAlign); }
  };
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(float); }

  std::int64_t size_;
  std::unique_ptr<float[], Delete> data_;
};

struct Sum {
  double value = 0, absolute = 0;  // of the products
  void add(float a, float b) {
    const double product = static_cast<double>(a) * static_cast<double>(b);
    value += product;
    absolute += std::abs(product);
  }
  // Each of `steps` roundings is off by at most half a unit of the largest partial sum.
  bool agrees(float got, std::int64_t steps) const {
    return std::abs(static_cast<double>(got) - value) <= static_cast<double>(steps + 2) * 0x1p-24 * absolute;
  }
};

// Some of [0, count), from first to last.
inline std::vector<std::int64_t> samples(std::int64_t count) {
  constexpr std::int64_t kSamples = 7;
  std::vector<std::int64_t> picked;
  for (std::int64_t i = 0; i < kSamples; i++) picked.push_back((count - 1) * i / (kSamples - 1));
  return picked;
}

}  // namespace adze::bench
