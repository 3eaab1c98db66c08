#include "runtime/tune/choice_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace adze {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{32} << 20;  // of a file that is read

// Held while a process reads, joins and replaces a file. Where the system can't lock, the later one wins.
class FileLock {
 public:
  explicit FileLock(const std::string& path) : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    while (file_ >= 0 && flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() {
    if (file_ >= 0) close(file_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  const int file_;
};

std::size_t count(const ChoicesByMachine& machines) {
  std::size_t total = 0;
  for (const auto& [machine, keys] : machines) total += keys.size();
  return total;
}

void join(ChoicesByMachine& to, const ChoicesByMachine& from) {
  for (const auto& [machine, keys] : from) {
    for (const auto& [key, choice] : keys) to[machine].insert_or_assign(key, choice);
  }
}

// `fresh`, and of `older` what there is room for.
ChoicesByMachine joined(ChoicesByMachine older, const ChoicesByMachine& fresh) {
  constexpr std::size_t kMost = ChoiceCache::kMostChoices;
  if (count(older) + count(fresh) > kMost)
    std::erase_if(older, [&](const auto& m) { return !fresh.contains(m.first); });
  if (count(older) + count(fresh) > kMost) older.clear();
  join(older, fresh);
  return older;
}

Error failed(std::string_view what) { return make_error(Code::resource_limit, what, ": ", std::strerror(errno)); }

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = write(file, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

ChoiceCache::ChoiceCache(std::string path, Note note) : path_(std::move(path)), note_(std::move(note)) {
  known_ = read(true);
}

ChoicesByMachine ChoiceCache::read(bool tell) const {
  if (path_.empty()) return {};
  const auto parsed = [&]() -> Result<ChoicesByMachine> {
    std::error_code error;
    const auto size = fs::file_size(path_, error);
    if (error == std::errc::no_such_file_or_directory) return ChoicesByMachine();
    if (error) return make_error(Code::bad_input, "can't be read: ", error.message());
    if (size > kMostBytes) return make_error(Code::bad_input, "has ", size, " bytes, more than ", kMostBytes);
    std::ifstream file(path_, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) return make_error(Code::bad_input, "can't be read");
    return parse_choices(text);
  }();
  if (parsed) return *parsed;
  if (tell) note_(concat(path_, ": ", parsed.error().message, "; tuning anew"));
  return {};
}

std::optional<Choice> ChoiceCache::find(const std::string& machine, const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto keys = known_.find(machine);
  if (keys == known_.end()) return {};
  const auto found = keys->second.find(key);
  return found == keys->second.end() ? std::nullopt : std::optional(found->second);
}

void ChoiceCache::put(const std::string& machine, const std::string& key, const Choice& choice) {
  const std::lock_guard lock(mutex_);
  known_[machine].insert_or_assign(key, choice);
  if (!path_.empty()) fresh_[machine].insert_or_assign(key, choice);
}

void ChoiceCache::save() {
  const std::lock_guard lock(mutex_);
  if (fresh_.empty()) return;
  std::error_code ignored;
  fs::create_directories(fs::path(path_).parent_path(), ignored);
  const FileLock file_lock(path_ + ".lock");
  if (auto done = replace(to_text(joined(read(false), fresh_))); !done) {
    note_(concat("what was tuned is not kept: ", path_, ": ", done.error().message));
  }
  fresh_.clear();
}

Result<void> ChoiceCache::replace(const std::string& text) const {
  std::string partial = path_ + ".XXXXXX";
  const int file = mkostemp(partial.data(), O_CLOEXEC);
  if (file < 0) return failed("can't be written");
  const bool written = write_all(file, text) && fsync(file) == 0;
  Result<void> result;
  if (!written) result = failed("can't be written");
  if (close(file) != 0 && result) result = failed("can't be written");
  if (result && std::rename(partial.c_str(), path_.c_str()) != 0) result = failed("can't be replaced");
  if (!result) unlink(partial.c_str());
  return result;
}

}  // namespace adze
