// Reading whole files that a user or a model names.
#pragma once

#include <cstddef>
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

// The content of a regular file of at most max_bytes.
Result<FileBytes> read_file(const std::string& path, std::size_t max_bytes);

// A tensor's bytes in another file. `location` comes from the model and must stay inside `folder`: relative, without
// "..", and not through a symbolic link that leads out (CVE-2022-25882, CVE-2024-27318, CVE-2026-27489).
Result<FileBytes> read_inside(const std::string& folder, std::string_view location, std::uint64_t offset,
                              std::uint64_t length);

}  // namespace adze
