#include "graph/core/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

namespace adze {
namespace {

constexpr std::align_val_t kAlignment{64};

// From this size on a block is mapped for itself and goes back to the system the moment it is freed. A heap would keep
// tens of megabytes of what was only there to be packed.
constexpr std::size_t kMapped = std::size_t{1} << 20;

std::shared_ptr<std::byte> uninitialised(std::size_t bytes) {
  if (bytes < kMapped) {
    auto* memory = static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment));
    return {memory, [](std::byte* p) { ::operator delete(p, kAlignment); }};
  }
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return {static_cast<std::byte*>(memory), [bytes](std::byte* p) { munmap(p, bytes); }};
}

}  // namespace

class Tensor::Deferred {
 public:
  Deferred(std::shared_ptr<const Make> make, std::size_t size) : make_(std::move(make)), size_(size) {}

  std::shared_ptr<Deferred> anew() const { return std::make_shared<Deferred>(make_, size_); }
  Result<void> write(std::span<std::byte> to) const { return (*make_)(to); }
  const std::byte* bytes() {
    if (const std::byte* made = ready_.load(std::memory_order_acquire)) return made;
    const std::lock_guard lock(mutex_);
    if (!memory_) {
      auto memory = uninitialised(size_);
      status_ = write({memory.get(), size_});
      if (!status_) std::fill_n(memory.get(), size_, std::byte{0});
      memory_ = std::move(memory);
      ready_.store(memory_.get(), std::memory_order_release);
    }
    return memory_.get();
  }
  Result<void> status() {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  const std::shared_ptr<const Make> make_;
  const std::size_t size_;
  std::mutex mutex_;
  std::atomic<const std::byte*> ready_{nullptr};
  std::shared_ptr<std::byte> memory_;
  Result<void> status_;
};

Tensor Tensor::deferred(DType type, const Shape& shape, Make make) {
  Tensor tensor(type, shape, nullptr);
  tensor.deferred_ = std::make_shared<Deferred>(std::make_shared<const Make>(std::move(make)), tensor.bytes());
  return tensor;
}

const std::byte* Tensor::deferred_bytes() const { return deferred_->bytes(); }

Result<void> Tensor::status() const { return deferred_ ? deferred_->status() : Result<void>(); }

Tensor Tensor::released() const {
  Tensor tensor = *this;
  if (deferred_) tensor.deferred_ = deferred_->anew();
  return tensor;
}

Result<Tensor> Tensor::resident() const {
  if (!deferred_) return *this;
  auto memory = uninitialised(bytes());
  ADZE_CHECK(deferred_->write({memory.get(), bytes()}));
  return Tensor(type_, shape_, std::move(memory));
}

Tensor::Writable Tensor::allocate(DType type, const Shape& shape) {
  const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * size_of(type);
  auto memory = uninitialised(bytes);
  if (bytes < kMapped) std::fill_n(memory.get(), bytes, std::byte{0});  // a new mapping is zero
  std::byte* const data = memory.get();
  return {Tensor(type, shape, std::move(memory)), {data, bytes}};
}

Tensor Tensor::from_ints(std::span<const std::int64_t> values) {
  return from<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

std::vector<std::int64_t> Tensor::to_ints() const {
  if (type_ == DType::i32) {
    const auto values = as<std::int32_t>();
    return {values.begin(), values.end()};
  }
  const auto values = as<std::int64_t>();
  return {values.begin(), values.end()};
}

}  // namespace adze
