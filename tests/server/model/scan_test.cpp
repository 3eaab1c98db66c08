// What counts as a model of a repository folder, and what is refused.
#include "server/model/scan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_folder.h"

namespace adze::server {
namespace {

namespace fs = std::filesystem;

class ScanTest : public ::testing::Test {
 protected:
  void add(const std::string& path, const std::string& bytes = "x") {
    fs::create_directories(fs::path(folder_.path(path)).parent_path());
    folder_.write(path, bytes);
  }
  std::vector<FoundModel> scan() {
    auto found = scan_repository(folder_.path(""));
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::vector<FoundModel>();
  }
  FoundModel only() {
    auto found = scan();
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? FoundModel() : found.front();
  }

  testing::TempFolder folder_;
};

TEST_F(ScanTest, FindsVersionsAndBareFilesByName) {
  add("b/2/model.onnx");
  add("b/10/model.onnx");
  add("b/config.json", "{}");
  add("a.onnx");
  add("notes.txt");
  add("empty/readme");
  const auto found = scan();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "a");
  EXPECT_TRUE(found[0].versions.contains(1));
  EXPECT_EQ(found[1].name, "b");
  EXPECT_EQ(found[1].config, "{}");
  ASSERT_EQ(found[1].versions.size(), 2u);
  EXPECT_TRUE(found[1].versions.at(10).path.ends_with("/b/10/model.onnx"));
  EXPECT_TRUE(found[1].problem.empty());
}

TEST_F(ScanTest, OnlyPlainNumbersAreVersions) {
  for (const char* name : {"0", "7", "01", "-1", "+1", "1a", "1.0", "99999999999", "model"})
    add(std::string("m/") + name + "/model.onnx");
  std::vector<int> versions;
  for (const auto& [number, version] : only().versions) versions.push_back(number);
  EXPECT_EQ(versions, (std::vector<int>{0, 7}));
}

TEST_F(ScanTest, NamesThatCouldBeMoreThanNamesAreLeftAlone) {
  for (const char* name : {".git", "..data", "a b", "a%2f", "a\nb"}) add(std::string(name) + "/1/model.onnx");
  add(std::string(129, 'n') + "/1/model.onnx");
  add("good-1.0_x/1/model.onnx");
  EXPECT_EQ(only().name, "good-1.0_x");
  for (const char* name : {"", ".", "..", "../x", "a/b", "a\\b", ".hidden", "\xc3\xa4"}) {
    EXPECT_FALSE(valid_model_name(name)) << name;
  }
}

TEST_F(ScanTest, LinksMayNotLeadOut) {
  const testing::TempFolder outside;
  outside.write("secret.onnx", "x");
  add("inside/1/model.onnx");
  add("link/1/readme");
  fs::create_symlink(outside.path("secret.onnx"), folder_.path("link/1/model.onnx"));
  fs::create_directories(folder_.path("parent"));
  fs::create_directory_symlink(outside.path(""), folder_.path("folder"));
  outside.write("config.json", "{}");
  fs::create_symlink("1/model.onnx", folder_.path("inside/model.onnx"));
  fs::create_symlink(folder_.path("inside/1"), folder_.path("inside/2"));
  fs::create_symlink(outside.path("secret.onnx"), folder_.path("bare.onnx"));
  for (const FoundModel& model : scan()) {
    if (model.name == "inside") {
      EXPECT_TRUE(model.problem.empty()) << model.problem;
      EXPECT_EQ(model.versions.size(), 2u);
    } else {
      EXPECT_NE(model.problem.find("leads out of the repository"), std::string::npos) << model.name << model.problem;
    }
  }
  EXPECT_EQ(scan().size(), 4u);
}

TEST_F(ScanTest, OnlyRegularFilesAreRead) {
  fs::create_directories(folder_.path("pipe/1"));
  ASSERT_EQ(mkfifo(folder_.path("pipe/1/model.onnx").c_str(), 0600), 0);
  EXPECT_NE(only().problem.find("no regular file"), std::string::npos);
}

TEST_F(ScanTest, ALargeConfigurationIsRefused) {
  add("m/1/model.onnx");
  add("m/config.json", std::string((1 << 20) + 1, ' '));
  EXPECT_NE(only().problem.find("more than 1048576 bytes"), std::string::npos);
}

TEST_F(ScanTest, ANameTwiceIsAnError) {
  add("m/1/model.onnx");
  add("m.onnx");
  EXPECT_FALSE(scan_repository(folder_.path("")));
}

TEST_F(ScanTest, EveryChangeOfAVersionShows) {
  add("m/1/model.onnx", "one");
  add("m/1/weights.bin", "w");
  const FoundModel before = only();
  EXPECT_EQ(only(), before);
  add("m/1/model.onnx", "other");
  const FoundModel rewritten = only();
  EXPECT_NE(rewritten, before);
  add("new", "other");
  fs::rename(folder_.path("new"), folder_.path("m/1/model.onnx"));
  const FoundModel renamed = only();
  EXPECT_NE(renamed, rewritten);
  add("m/1/weights.bin", "v2");
  EXPECT_NE(only(), renamed);
}

}  // namespace
}  // namespace adze::server
