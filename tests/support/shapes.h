// The sizes at which vector code breaks: powers of two times 1 to 3, and their neighbours.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace adze::testing {

inline std::vector<std::int64_t> sizes_around_powers_of_two(std::int64_t max) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t power = 1; power <= max; power *= 2) {
    for (const std::int64_t multiple : {1, 3}) {
      for (const std::int64_t delta : {-1, 0, 1}) {
        const std::int64_t size = power * multiple + delta;
        if (size >= 1 && size <= max) sizes.push_back(size);
      }
    }
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

}  // namespace adze::testing
