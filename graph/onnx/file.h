// Files that a user or a model names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "graph/core/result.h"

namespace adze {

struct FileBytes {
  std::shared_ptr<const std::byte> data;
  std::size_t size = 0;
  std::span<const std::byte> span() const { return {data.get(), size}; }
};

// A regular file that stays open, so that it can be read again while a model lives. It is read and not mapped: a mapped
// file that shrinks faults long after it was checked.
//
// A file put in its place under the same name makes no difference. One that is written to does, and is known by its
// size and time of modification. Errors don't name the file. Thread-safe.
class File {
 public:
  static Result<std::shared_ptr<const File>> open(const std::string& path);
  // `location` comes from the model and must stay inside `folder`: relative, without "..", and not through a symbolic
  // link that leads out (CVE-2022-25882, CVE-2024-27318, CVE-2026-27489).
  static Result<std::shared_ptr<const File>> open_inside(const std::string& folder, std::string_view location);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::uint64_t size() const { return size_; }
  // Whether that range is inside the file.
  bool has(std::uint64_t offset, std::uint64_t length) const { return length <= size_ && offset <= size_ - length; }
  // Error bad_input when the file is no longer what it was when it was opened.
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) const;

 private:
  explicit File(int fd) : fd_(fd) {}
  static Result<std::shared_ptr<const File>> take(int fd);
  Result<void> check_unchanged() const;

  const int fd_;
  std::uint64_t size_ = 0;
  std::int64_t modified_ = 0;  // nanoseconds
};

// The content of a regular file of at most max_bytes.
Result<FileBytes> read_file(const std::string& path, std::size_t max_bytes);

}  // namespace adze
