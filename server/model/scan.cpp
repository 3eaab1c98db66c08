#include "server/model/scan.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "server/model/config.h"

namespace adze::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEntries = 4096;  // of any folder
constexpr std::size_t kMaxNameBytes = 128;

// FNV-1a over what tells one state of a file from another.
class Print {
 public:
  void add(std::uint64_t value) {
    for (int i = 0; i < 8; i++, value >>= 8) hash_ = (hash_ ^ (value & 0xff)) * 0x100000001b3;
  }
  void add(const std::string& path) {
    struct stat file {};
    if (stat(path.c_str(), &file) != 0) return add(std::uint64_t{0});
    for (const char c : path) add(static_cast<std::uint64_t>(c));
    add(file.st_ino);
    add(static_cast<std::uint64_t>(file.st_size));
    add(static_cast<std::uint64_t>(file.st_mtim.tv_sec));
    add(static_cast<std::uint64_t>(file.st_mtim.tv_nsec));
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

// The names in a folder, sorted.
Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (names.size() == kMaxEntries)
      return make_error(Code::resource_limit, folder.string(), ": holds more than ", kMaxEntries, " entries");
    names.push_back(it->path().filename().string());
  }
  if (error) return make_error(Code::bad_input, folder.string(), ": ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

// A number as a version folder is named: "0", "17", not "01".
std::optional<int> version_of(const std::string& name) {
  int version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  if (error != std::errc() || version < 0 || version > 999'999'999 || std::to_string(version) != name) return {};
  return version;
}

class Scanner {
 public:
  explicit Scanner(fs::path root) : root_(std::move(root)) {}

  // Nothing where no such file is there.
  Result<bool> is_file(const fs::path& path) const {
    std::error_code error;
    if (fs::symlink_status(path, error).type() == fs::file_type::not_found) return false;
    const fs::path real = fs::canonical(path, error);
    if (error) return make_error(Code::bad_input, path.string(), ": ", error.message());
    if (!inside(real)) return make_error(Code::bad_input, path.string(), ": leads out of the repository");
    if (!fs::is_regular_file(real, error)) return make_error(Code::bad_input, path.string(), ": is no regular file");
    return true;
  }

  FoundModel model(const std::string& name) const {
    FoundModel found;
    found.name = name;
    if (auto filled = fill(found); !filled) found.problem = std::move(filled).error().message;
    return found;
  }

 private:
  bool inside(const fs::path& real) const {
    return std::mismatch(root_.begin(), root_.end(), real.begin(), real.end()).first == root_.end();
  }

  Result<void> fill(FoundModel& found) const {
    const fs::path folder = root_ / found.name;
    ADZE_TRY(const auto names, names_in(folder));
    for (const std::string& name : names) {
      const auto version = version_of(name);
      if (!version) continue;
      const fs::path file = folder / name / "model.onnx";
      ADZE_TRY(const bool there, is_file(file));
      if (!there) continue;
      Print print;
      ADZE_TRY(const auto files, names_in(folder / name));
      for (const std::string& beside : files) print.add((folder / name / beside).string());
      found.versions[*version] = {file.string(), print.value()};
    }
    const fs::path config = folder / "config.json";
    ADZE_TRY(const bool configured, is_file(config));
    if (!configured) return {};
    std::error_code error;
    if (const auto size = fs::file_size(config, error); error || size > kMaxConfigBytes) {
      return make_error(Code::bad_input, config.string(), ": has more than ", kMaxConfigBytes, " bytes");
    }
    std::ifstream file(config, std::ios::binary);
    found.config.assign(std::istreambuf_iterator<char>(file), {});
    if (!file) return make_error(Code::bad_input, config.string(), ": cannot be read");
    if (found.config.empty()) found.config = "{}";
    return {};
  }

  const fs::path root_;
};

}  // namespace

bool valid_model_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name[0] != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

Result<std::vector<FoundModel>> scan_repository(const std::string& folder) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return make_error(Code::bad_input, folder, ": ", error.message());
  const Scanner scanner(root);
  ADZE_TRY(const auto names, names_in(root));
  std::vector<FoundModel> models;
  for (const std::string& name : names) {
    const fs::path path = root / name;
    if (fs::is_directory(path, error)) {
      if (!valid_model_name(name)) continue;
      FoundModel model = scanner.model(name);
      if (model.versions.empty() && model.config.empty() && model.problem.empty()) continue;
      models.push_back(std::move(model));
    } else if (path.extension() == ".onnx" && valid_model_name(path.stem().string())) {
      FoundModel model = found_file(path.stem().string(), path.string());
      if (auto there = scanner.is_file(path); !there) model.problem = std::move(there).error().message;
      models.push_back(std::move(model));
    }
  }
  std::ranges::sort(models, {}, &FoundModel::name);
  const auto twice = std::ranges::adjacent_find(models, {}, &FoundModel::name);
  if (twice != models.end()) {
    return make_error(Code::bad_input, folder, ": holds both ", twice->name, "/ and ", twice->name, ".onnx");
  }
  return models;
}

FoundModel found_file(const std::string& name, const std::string& path) {
  Print print;
  print.add(path);
  FoundModel model;
  model.name = name;
  model.versions[1] = {path, print.value()};
  return model;
}

}  // namespace adze::server
