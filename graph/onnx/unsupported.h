// What a file asks for and adze can't run, gathered so that one message tells it all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/core/result.h"

namespace adze {

class Unsupported {
 public:
  void add(std::string what) {
    if (entries_.size() < kShown) entries_.push_back(std::move(what));
    count_++;
  }
  Result<void> result() const {
    if (count_ == 0) return {};
    std::string text = count_ == 1 ? "unsupported: " : concat(count_, " parts are unsupported: ");
    for (std::size_t i = 0; i < entries_.size(); i++) text += (i ? "; " : "") + entries_[i];
    if (count_ > entries_.size()) text += concat("; and ", count_ - entries_.size(), " more");
    return Error{Code::unsupported, std::move(text)};
  }

 private:
  static constexpr std::size_t kShown = 50;
  std::vector<std::string> entries_;
  std::size_t count_ = 0;
};

// Names come from the file and go to terminals and logs: control characters are shown, not sent.
inline std::string printable(std::string_view name) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : name.substr(0, 200)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && c != '"') {
      text += c;
    } else {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (name.size() > 200) text += "...";
  return text;
}

}  // namespace adze
