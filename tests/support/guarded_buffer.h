// A buffer that ends at an unreadable page, so that one element too many faults without a sanitizer; it starts
// unaligned unless asked otherwise.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <span>

namespace adze::testing {

template <class T = float>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t n) : n_(n) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t payload = (n * sizeof(T) + page - 1) / page * page;
    mapped_ = payload + 2 * page;
    base_ = static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) std::abort();
    mprotect(base_, page, PROT_NONE);
    mprotect(base_ + page + payload, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(base_ + page + payload) - n;
  }
  ~GuardedBuffer() { munmap(base_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return n_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, n_}; }
  void fill(T value) {
    for (std::size_t i = 0; i < n_; i++) data_[i] = value;
  }
  // Outputs start as NaN, so that an element which a kernel forgets shows.
  void poison() { fill(std::numeric_limits<T>::quiet_NaN()); }

 private:
  std::size_t n_, mapped_ = 0;
  std::byte* base_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace adze::testing
