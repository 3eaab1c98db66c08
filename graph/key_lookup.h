// Finds numbers among the keys of an operator's attribute.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace adze {

// NaN is one key, whatever its bits; of equal keys the last counts.
template <class Key>
class KeyLookup {
 public:
  KeyLookup() = default;
  explicit KeyLookup(const std::vector<Key>& keys) {
    for (std::size_t i = 0; i < keys.size(); i++) entries_.push_back({keys[i], static_cast<std::int64_t>(i)});
    std::ranges::stable_sort(entries_, before, &Entry::first);
  }

  // The key's place among those given, or -1.
  std::int64_t operator()(Key key) const {
    const auto end = std::ranges::upper_bound(entries_, key, before, &Entry::first);
    return end != entries_.begin() && !before(std::prev(end)->first, key) ? std::prev(end)->second : -1;
  }

 private:
  using Entry = std::pair<Key, std::int64_t>;

  // By value, NaN last.
  static bool before(Key a, Key b) {
    if constexpr (std::is_floating_point_v<Key>) return a < b || (!std::isnan(a) && std::isnan(b));
    return a < b;
  }

  std::vector<Entry> entries_;
};

}  // namespace adze
