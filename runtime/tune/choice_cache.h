// Choices that were once timed, kept in a file: by machine, then by node.
//
// The file is replaced as a whole, so whoever reads it finds a whole one, and what other processes put there meanwhile
// stays. A file that isn't right is told of and taken for empty; one that can't be written is told of.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/tune/choice_json.h"

namespace adze {

using Note = std::function<void(const std::string&)>;

// Thread-safe.
class ChoiceCache {
 public:
  // Choices that are kept at most; beyond, those of other machines go first.
  static constexpr std::size_t kMostChoices = 10'000;

  // An empty path: choices are kept in memory alone.
  ChoiceCache(std::string path, Note note);

  std::optional<Choice> find(const std::string& machine, const std::string& key) const;
  void put(const std::string& machine, const std::string& key, const Choice& choice);
  // Writes what was put since the last time.
  void save();

 private:
  ChoicesByMachine read(bool tell) const;
  Result<void> replace(const std::string& text) const;

  const std::string path_;
  const Note note_;
  mutable std::mutex mutex_;
  ChoicesByMachine known_;
  ChoicesByMachine fresh_;  // what the file has not
};

}  // namespace adze
