// A folder of a test's own, gone when the test is.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace adze::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "adze-test-XXXXXX").string();
    if (!mkdtemp(path.data())) ADD_FAILURE() << "cannot make " << path;
    path_ = path;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  // Writes the file anew, over the bytes of one that is there.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream file(path(name), std::ios::binary | std::ios::trunc);
    if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush()) ADD_FAILURE() << path(name);
    return path(name);
  }
  // The same for a file that looks as if nobody had touched it for long.
  std::string write_old(const std::string& name, const std::string& bytes) const {
    const std::string file = write(name, bytes);
    std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) - std::chrono::hours(1));
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace adze::testing
