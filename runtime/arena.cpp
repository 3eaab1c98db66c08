#include "runtime/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace adze {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kChunk = std::size_t{64} << 20;
constexpr std::size_t kAlignment = 64;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

Result<Mapping> Mapping::create(std::size_t bytes, const MemorySource& source) {
  Mapping mapping;
  if (bytes == 0) return mapping;
  if (source.allocate) {
    const std::size_t whole = rounded(bytes, kAlignment);
    void* memory = source.allocate(source.context, whole, kAlignment);
    if (!memory) return make_error(Code::resource_limit, "the caller has no ", whole, " bytes of memory");
    mapping.data_ = static_cast<std::byte*>(memory);
    mapping.bytes_ = whole;
    mapping.source_ = source;
    if (reinterpret_cast<std::uintptr_t>(memory) % kAlignment != 0) {
      return make_error(Code::bad_input, "the caller's memory is not aligned to ", kAlignment, " bytes");
    }
    std::fill_n(mapping.data_, whole, std::byte{0});
    return mapping;
  }
  // A mapping below one huge page would only waste the rest of it.
  const bool huge = bytes >= kHugePage;
  const std::size_t size = rounded(bytes, huge ? kHugePage : 4096);
  const std::size_t reserve = huge ? size + kHugePage : size;
  void* memory = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return make_error(Code::resource_limit, "cannot map ", bytes, " bytes of memory");
  auto* begin = static_cast<std::byte*>(memory);
  if (huge) {  // keep the part that starts at a huge page
    const std::size_t skip = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
    if (skip) munmap(begin, skip);
    if (kHugePage - skip) munmap(begin + skip + size, kHugePage - skip);
    begin += skip;
    madvise(begin, size, MADV_HUGEPAGE);
  }
  mapping.data_ = begin;
  mapping.bytes_ = size;
  return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)), source_(other.source_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(source_, other.source_);
  return *this;
}

Mapping::~Mapping() {
  if (!data_) return;
  if (source_.release) {
    source_.release(source_.context, data_, bytes_);
  } else {
    munmap(data_, bytes_);
  }
}

Result<const std::byte*> WeightStore::get(const std::string& key, std::size_t bytes, const Fill& fill) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second;
  const std::size_t size = rounded(bytes, kAlignment);
  if (size > max_bytes_ - std::min(bytes_, max_bytes_)) {
    return make_error(Code::resource_limit, "packed weights need ", bytes_ + size,
                      " bytes, more than the memory limit of ", max_bytes_);
  }
  if (chunks_.empty() || chunks_.back().mapping.bytes() - chunks_.back().used < size) {
    ADZE_TRY(Mapping mapping, Mapping::create(std::max(size, std::min(kChunk, max_bytes_))));
    chunks_.push_back({std::move(mapping), 0});
  }
  Chunk& chunk = chunks_.back();
  std::byte* memory = chunk.mapping.data() + chunk.used;
  if (auto filled = fill(memory); !filled) {
    std::fill_n(memory, size, std::byte{0});  // for the next
    return std::move(filled).error();
  }
  chunk.used += size;
  bytes_ += size;
  entries_.emplace(key, memory);
  return memory;
}

std::size_t WeightStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace adze
