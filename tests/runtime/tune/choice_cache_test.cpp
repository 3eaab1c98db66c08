// The file of tuned choices: what comes back, and what happens to one that is damaged, foreign, or shared.
#include "runtime/tune/choice_cache.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "tests/support/temp_folder.h"

namespace adze::testing {
namespace {

const Choice kChoice{Isa::avx2, 3, {Share::panels, 96}};

class ChoiceCacheFile : public ::testing::Test {
 protected:
  ChoiceCache open() {
    return ChoiceCache(path(), [this](const std::string& text) { notes_.push_back(text); });
  }
  std::string path() const { return folder_.path("deep/er/tune.json"); }
  std::string content() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& text) const {
    std::filesystem::create_directories(folder_.path("deep/er"));
    folder_.write("deep/er/tune.json", text);
  }
  // Files beside the cache, but for what it locks.
  int files() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path("deep/er"))) {
      count += entry.path().extension() != ".lock";
    }
    return count;
  }

  TempFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(ChoiceCacheFile, GivesBackWhatWasPut) {
  const Choice choices[] = {{}, kChoice, {std::nullopt, 1, {}}, {Isa::portable, 0, {Share::rows, 24}}};
  {
    ChoiceCache cache = open();
    for (const Choice& choice : choices) cache.put("m", std::to_string(&choice - choices), choice);
    cache.put("m \"quoted\" \\ \xff", "k", kChoice);
    EXPECT_EQ(cache.find("m", "1"), kChoice) << "at once";
    cache.save();
  }
  const ChoiceCache cache = open();
  for (const Choice& choice : choices) EXPECT_EQ(cache.find("m", std::to_string(&choice - choices)), choice);
  EXPECT_EQ(cache.find("m", "4"), std::nullopt);
  EXPECT_EQ(cache.find("another machine", "1"), std::nullopt);
  EXPECT_TRUE(notes_.empty()) << notes_[0];
  EXPECT_EQ(files(), 1);
}

TEST_F(ChoiceCacheFile, OneThatIsNotRightIsToldOfAndReplaced) {
  const std::string wrong[] = {
      "",
      "{",
      "[1, 2]",
      "{\"format\": \"another\", \"version\": 1, \"machines\": {}}",
      "{\"format\": \"adze-tune\", \"version\": 0, \"machines\": {}}",
      "{\"format\": \"adze-tune\", \"version\": 1, \"machines\": 3}",
      std::string(100'000, '['),
      std::string("\0\1\2", 3),
  };
  for (const std::string& text : wrong) {
    notes_.clear();
    write(text);
    ChoiceCache cache = open();
    ASSERT_EQ(notes_.size(), 1u) << text.substr(0, 80);
    EXPECT_NE(notes_[0].find(path()), std::string::npos);
    EXPECT_NE(notes_[0].find("tuning anew"), std::string::npos);
    cache.put("m", "k", kChoice);
    cache.save();
    EXPECT_EQ(notes_.size(), 1u);
    EXPECT_EQ(open().find("m", "k"), kChoice);
    EXPECT_EQ(notes_.size(), 1u);
  }
}

TEST_F(ChoiceCacheFile, ChoicesThatThisBuildDoesNotKnowAreLeftOut) {
  write(R"({"format": "adze-tune", "version": 1, "machines": {"m": {
      "a": {"isa": "mmx"}, "b": {"isa": 3}, "c": {"threads": -1}, "d": {"threads": 1e99}, "e": {"share": "all"},
      "f": {"row_block": 7}, "g": {"row_block": 99999999999}, "h": {"unknown": 1}, "i": 5, "j": null,
      "ok": {"threads": 2}}, "n": [1]}})");
  const ChoiceCache cache = open();
  EXPECT_TRUE(notes_.empty());
  for (char key = 'a'; key <= 'j'; key++) EXPECT_EQ(cache.find("m", std::string(1, key)), std::nullopt) << key;
  EXPECT_EQ(cache.find("m", "ok"), (Choice{std::nullopt, 2, {}}));
}

TEST_F(ChoiceCacheFile, WhatOthersSavedMeanwhileStays) {
  ChoiceCache one = open(), two = open();
  one.put("m", "1", kChoice);
  two.put("m", "2", kChoice);
  two.put("n", "3", {});
  one.save();
  two.save();
  const ChoiceCache cache = open();
  EXPECT_EQ(cache.find("m", "1"), kChoice);
  EXPECT_EQ(cache.find("m", "2"), kChoice);
  EXPECT_EQ(cache.find("n", "3"), Choice());
}

TEST_F(ChoiceCacheFile, ManyWritersAtOnceLoseNothing) {
  constexpr int kWriters = 4, kChoices = 20;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; w++) {
    writers.emplace_back([this, w] {
      ChoiceCache cache(path(), [](const std::string& text) { ADD_FAILURE() << text; });
      for (int i = 0; i < kChoices; i++) {
        cache.put("m", std::to_string(w) + ' ' + std::to_string(i), kChoice);
        cache.save();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const ChoiceCache cache = open();
  for (int w = 0; w < kWriters; w++) {
    for (int i = 0; i < kChoices; i++) {
      EXPECT_EQ(cache.find("m", std::to_string(w) + ' ' + std::to_string(i)), kChoice) << w << ' ' << i;
    }
  }
  EXPECT_EQ(files(), 1);
}

TEST_F(ChoiceCacheFile, HasALimitAndOtherMachinesGoFirst) {
  {
    ChoiceCache cache = open();
    cache.put("other", "k", kChoice);
    for (std::size_t i = 0; i + 2 < ChoiceCache::kMostChoices; i++) cache.put("m", std::to_string(i), {});
    cache.save();
    cache.put("m", "full", kChoice);
    cache.save();
    EXPECT_EQ(open().find("other", "k"), kChoice) << "there was room for one more";
    cache.put("m", "more", kChoice);
    cache.save();
  }
  EXPECT_EQ(open().find("other", "k"), std::nullopt);
  EXPECT_EQ(open().find("m", "full"), kChoice);
  {
    ChoiceCache cache = open();
    cache.put("m", "last", kChoice);
    cache.put("m", "straw", kChoice);
    cache.save();
  }
  EXPECT_EQ(open().find("m", "full"), std::nullopt);
  EXPECT_EQ(open().find("m", "straw"), kChoice);
}

TEST_F(ChoiceCacheFile, WithoutAPlaceChoicesStayInMemoryAndThatIsSaid) {
  folder_.write("deep", "a file, not a folder");
  {
    ChoiceCache cache = open();
    notes_.clear();
    cache.put("m", "k", kChoice);
    cache.save();
    ASSERT_EQ(notes_.size(), 1u);
    EXPECT_NE(notes_[0].find("not kept"), std::string::npos) << notes_[0];
    EXPECT_EQ(cache.find("m", "k"), kChoice);
  }
  ChoiceCache nowhere("", [](const std::string& text) { ADD_FAILURE() << text; });
  nowhere.put("m", "k", kChoice);
  nowhere.save();
  EXPECT_EQ(nowhere.find("m", "k"), kChoice);
}

}  // namespace
}  // namespace adze::testing
