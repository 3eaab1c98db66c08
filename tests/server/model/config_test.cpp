// The optional config.json.
#include "server/model/config.h"

#include <gtest/gtest.h>

namespace adze::server {
namespace {

ServedModel::Options defaults() {
  ServedModel::Options options;
  options.max_batch = 7;
  options.queue_limit = 9;
  return options;
}

TEST(ModelConfig, WhatIsAbsentKeepsItsDefault) {
  for (const char* text : {"", "{}"}) {
    const auto config = parse_config(text, defaults());
    ASSERT_TRUE(config);
    EXPECT_EQ(config->model.max_batch, 7);
    EXPECT_EQ(config->model.queue_limit, 9u);
    EXPECT_EQ(config->versions.kind, VersionPolicy::Kind::latest);
    EXPECT_EQ(config->versions.count, 1u);
    EXPECT_FALSE(config->pipeline);
  }
}

TEST(ModelConfig, SaysHowAModelIsServed) {
  const auto config = parse_config(R"({"max_batch": 16, "max_delay_us": 500, "queue_limit": 100, "warm_up": [2, 4],
                                       "versions": {"latest": 3}})",
                                   defaults());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->model.max_batch, 16);
  EXPECT_EQ(config->model.max_delay, std::chrono::microseconds(500));
  EXPECT_EQ(config->model.queue_limit, 100u);
  EXPECT_EQ(config->model.warm_up, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(config->versions.count, 3u);
  const auto queue = parse_config(R"({"preferred_batch": [16, 8], "max_request_rows": 50, "queue_bytes": 1000,
                                      "priorities": 4, "default_priority": 3})",
                                  defaults());
  ASSERT_TRUE(queue) << queue.error().message;
  EXPECT_EQ(queue->model.preferred, (std::vector<std::int64_t>{8, 16}));
  EXPECT_EQ(queue->model.max_request_rows, 50);
  EXPECT_EQ(queue->model.queue_bytes, 1000u);
  EXPECT_EQ(queue->model.priorities, 4u);
  EXPECT_EQ(queue->model.default_priority, 3u);
  const auto all = parse_config(R"({"versions": "all"})", defaults());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->versions.kind, VersionPolicy::Kind::all);
  const auto specific = parse_config(R"({"versions": {"specific": [1, 3]}})", defaults());
  ASSERT_TRUE(specific);
  EXPECT_EQ(specific->versions.kind, VersionPolicy::Kind::specific);
  EXPECT_EQ(specific->versions.versions, (std::vector<int>{1, 3}));
}

TEST(ModelConfig, ErrorsNameTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "is no object"},
      {"{", "not valid JSON"},
      {R"({"max_bach": 1})", "unknown key \"max_bach\"; there are max_batch, "},
      {R"({"max_batch": 0})", "\"max_batch\": is no integer from 1 to 4096"},
      {R"({"max_batch": 1.5})", "\"max_batch\": is no integer"},
      {R"({"max_batch": "8"})", "\"max_batch\": is no integer"},
      {R"({"max_delay_us": -1})", "\"max_delay_us\": is no integer from 0"},
      {R"({"warm_up": []})", "\"warm_up\": is empty"},
      {R"({"warm_up": [1, 9999]})", "\"warm_up\": is no integer from 1 to 4096"},
      {R"({"versions": "some"})", "\"versions\": is neither"},
      {R"({"versions": {}})", "needs one of"},
      {R"({"versions": {"latest": 1, "specific": [1]}})", "needs one of"},
      {R"({"versions": {"newest": 1}})", "\"versions\": unknown key \"newest\""},
      {R"({"versions": {"specific": [-1]}})", "\"specific\": is no integer from 0"},
      {R"({"pipeline": {}})", "\"pipeline\": has no \"steps\""},
      {R"({"pipeline": {"steps": [{"inputs": {}}]}})", "names no \"model\""},
      {R"({"pipeline": {"steps": [{"model": "a", "input": {}}]}})", "unknown key \"input\""},
      {R"({"pipeline": {"steps": [{"model": "a", "inputs": {"x": 1}}]}})", "is no text"},
  };
  for (const auto& [text, message] : cases) {
    const auto config = parse_config(text, defaults());
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, Code::bad_input);
    EXPECT_NE(config.error().message.find(message), std::string::npos) << text << " -> " << config.error().message;
  }
  EXPECT_FALSE(parse_config(std::string(100000, '['), defaults()));
  EXPECT_FALSE(parse_config("{" + std::string(kMaxConfigBytes, ' ') + "}", defaults()));
}

TEST(ModelConfig, APipelineNamesItsSteps) {
  const auto config = parse_config(
      R"({"pipeline": {"steps": [{"model": "a", "outputs": {"y": "features"}},
                                 {"model": "b", "inputs": {"x": "features"}}], "outputs": ["score"]}})",
      defaults());
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(config->pipeline);
  ASSERT_EQ(config->pipeline->steps.size(), 2u);
  EXPECT_EQ(config->pipeline->steps[0].outputs, (PipelineStep::Names{{"y", "features"}}));
  EXPECT_EQ(config->pipeline->steps[1].inputs, (PipelineStep::Names{{"x", "features"}}));
  EXPECT_EQ(config->pipeline->outputs, (std::vector<std::string>{"score"}));
}

}  // namespace
}  // namespace adze::server
