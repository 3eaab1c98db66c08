// Operands with fixed pseudo-random content, and the sums in double that outputs are compared with.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>
#include <vector>

namespace adze::bench {

// Floats that lie as a model's do: at a multiple of 64 bytes, and in huge pages where they fill one
// (runtime/arena.cpp); zeros at first.
class Floats {
 public:
  explicit Floats(std::int64_t size) : size_(size), data_(static_cast<float*>(std::aligned_alloc(align(), bytes()))) {
    if (!data_) throw std::bad_alloc();
    if (is_huge()) madvise(data_.get(), bytes(), MADV_HUGEPAGE);
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
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  bool is_huge() const { return static_cast<std::size_t>(size_) * sizeof(float) >= kHugePage; }
  std::size_t align() const { return is_huge() ? kHugePage : 64; }
  std::size_t bytes() const {  // a multiple of align()
    return (static_cast<std::size_t>(size_) * sizeof(float) + align() - 1) / align() * align();
  }

  std::int64_t size_;
  std::unique_ptr<float[], Free> data_;
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
