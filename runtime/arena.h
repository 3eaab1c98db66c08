// Huge-page memory: the arena that all of a session's intermediate tensors live in, and the store of packed weights.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "graph/op.h"

namespace adze {

// Where memory comes from in place of the system; `allocate` gives null where it has none.
struct MemorySource {
  void* (*allocate)(void* context, std::size_t bytes, std::size_t alignment) = nullptr;
  void (*release)(void* context, void* memory, std::size_t bytes) = nullptr;
  void* context = nullptr;
};

// An anonymous mapping, zeroed, backed by huge pages where the kernel grants them, or memory of `source`. Released on
// destruction.
class Mapping {
 public:
  Mapping() = default;
  // Error resource_limit when there is no such memory.
  static Result<Mapping> create(std::size_t bytes, const MemorySource& source = {});
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  MemorySource source_;
};

// Packed constants in the order they were first asked for, which is the order of execution, one behind the other, so
// that a kernel's prefetch past its own weights meets the next layer's.
//
// Thread-safe; bytes never move or go away while the store lives.
class WeightStore final : public PackedConstants {
 public:
  // `max_bytes` bounds all that is ever packed, together with `held` bytes of constants that lie elsewhere.
  explicit WeightStore(std::size_t max_bytes, std::size_t held = 0) : max_bytes_(max_bytes), bytes_(held) {}

  Result<const std::byte*> get(const std::string& key, std::size_t bytes, const Fill& fill) override;
  std::size_t bytes() const;  // with those held elsewhere

 private:
  struct Chunk {
    Mapping mapping;
    std::size_t used = 0;
  };

  mutable std::mutex mutex_;
  const std::size_t max_bytes_;
  std::size_t bytes_;
  std::vector<Chunk> chunks_;
  std::map<std::string, const std::byte*> entries_;
};

}  // namespace adze
