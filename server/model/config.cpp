#include "server/model/config.h"

#include <simdjson.h>

#include <algorithm>
#include <functional>

namespace adze::server {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxDepth = 16, kMaxItems = 256;
constexpr std::int64_t kMaxVersion = 999'999'999;

Error bad(const auto&... pieces) { return make_error(Code::bad_input, pieces...); }

using Reader = std::function<Result<void>(const dom::element&)>;

// Every member by the reader that its key names.
Result<void> read_object(const dom::element& value,
                         std::initializer_list<std::pair<std::string_view, Reader>> readers) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return bad("is no object");
  for (const auto& [key, member] : object) {
    const auto found =
        std::find_if(readers.begin(), readers.end(), [&](const auto& reader) { return reader.first == key; });
    if (found == readers.end()) {
      std::string known;
      for (const auto& reader : readers) known += concat(known.empty() ? "" : ", ", reader.first);
      return bad("unknown key \"", key, "\"; there are ", known);
    }
    if (auto read = found->second(member); !read) {
      return std::move(read).error().with_context(concat('"', key, '"'));
    }
  }
  return {};
}

Result<void> read_array(const dom::element& value, const Reader& reader) {
  dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return bad("is no array");
  std::size_t count = 0;
  for (const dom::element item : array) {
    if (++count > kMaxItems) return bad("has more than ", kMaxItems, " items");
    ADZE_CHECK(reader(item));
  }
  return {};
}

template <class T>
Reader integer(T& to, std::int64_t least, std::int64_t most) {
  return [&to, least, most](const dom::element& value) -> Result<void> {
    std::int64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || number < least || number > most) {
      return bad("is no integer from ", least, " to ", most);
    }
    to = static_cast<T>(number);
    return {};
  };
}

Reader text(std::string& to) {
  return [&to](const dom::element& value) -> Result<void> {
    std::string_view view;
    if (value.get(view) != simdjson::SUCCESS || view.empty()) return bad("is no text");
    to = view;
    return {};
  };
}

template <class T>
Reader list(std::vector<T>& to, const std::function<Reader(T&)>& item) {
  return [&to, item](const dom::element& value) -> Result<void> {
    to.clear();
    ADZE_CHECK(read_array(value, [&](const dom::element& element) { return item(to.emplace_back())(element); }));
    if (to.empty()) return bad("is empty");
    return {};
  };
}

// {"model's name": "pipeline's name", ...}
Reader names(PipelineStep::Names& to) {
  return [&to](const dom::element& value) -> Result<void> {
    dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return bad("is no object");
    for (const auto& [key, member] : object) {
      auto& name = to.emplace_back(key, "");
      ADZE_CHECK(text(name.second)(member));
      if (to.size() > kMaxItems) return bad("has more than ", kMaxItems, " members");
    }
    return {};
  };
}

// "all", {"latest": N} or {"specific": [N, ...]}
Reader policy(VersionPolicy& to) {
  return [&to](const dom::element& value) -> Result<void> {
    std::string_view word;
    if (value.get(word) == simdjson::SUCCESS) {
      if (word != "all") return bad("is neither \"all\" nor {\"latest\": N} nor {\"specific\": [N, ...]}");
      to.kind = VersionPolicy::Kind::all;
      return {};
    }
    int given = 0;
    ADZE_CHECK(read_object(value, {{"latest",
                                    [&](const dom::element& count) {
                                      given++;
                                      to.kind = VersionPolicy::Kind::latest;
                                      return integer(to.count, 1, kMaxItems)(count);
                                    }},
                                   {"specific", [&](const dom::element& versions) {
                                      given++;
                                      to.kind = VersionPolicy::Kind::specific;
                                      return list<int>(to.versions, [](int& version) {
                                        return integer(version, 0, kMaxVersion);
                                      })(versions);
                                    }}}));
    if (given != 1) return bad("needs one of \"latest\" and \"specific\"");
    return {};
  };
}

Reader step(PipelineStep& to) {
  return [&to](const dom::element& value) -> Result<void> {
    ADZE_CHECK(
        read_object(value, {{"model", text(to.model)}, {"inputs", names(to.inputs)}, {"outputs", names(to.outputs)}}));
    if (to.model.empty()) return bad("names no \"model\"");
    return {};
  };
}

Reader pipeline(std::optional<Pipeline>& to) {
  return [&to](const dom::element& value) -> Result<void> {
    Pipeline& made = to.emplace();
    ADZE_CHECK(read_object(
        value, {{"steps", list<PipelineStep>(made.steps, step)}, {"outputs", list<std::string>(made.outputs, text)}}));
    if (made.steps.empty()) return bad("has no \"steps\"");
    return {};
  };
}

}  // namespace

Result<ModelConfig> parse_config(std::string_view json, const ServedModel::Options& defaults) {
  ModelConfig config;
  config.model = defaults;
  if (json.empty()) return config;
  if (json.size() > kMaxConfigBytes) return bad("has more than ", kMaxConfigBytes, " bytes");
  dom::parser parser;
  [[maybe_unused]] const auto allocated = parser.allocate(4096, kMaxDepth);
  dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS) {
    return bad("is not valid JSON: ", simdjson::error_message(error));
  }
  std::int64_t delay_us = config.model.max_delay.count();
  const auto rows = [](std::int64_t& to) { return integer(to, 1, 4096); };
  ADZE_CHECK(read_object(root, {{"max_batch", integer(config.model.max_batch, 1, 4096)},
                                {"max_delay_us", integer(delay_us, 0, 10'000'000)},
                                {"max_request_rows", integer(config.model.max_request_rows, 1, 1 << 24)},
                                {"queue_limit", integer(config.model.queue_limit, 1, 1'000'000)},
                                {"queue_bytes", integer(config.model.queue_bytes, 1, std::int64_t{1} << 40)},
                                {"preferred_batch", list<std::int64_t>(config.model.preferred, rows)},
                                {"priorities", integer(config.model.priorities, 1, 64)},
                                {"default_priority", integer(config.model.default_priority, 0, 64)},
                                {"warm_up", list<std::int64_t>(config.model.warm_up, rows)},
                                {"versions", policy(config.versions)},
                                {"pipeline", pipeline(config.pipeline)}}));
  config.model.max_delay = std::chrono::microseconds(delay_us);
  std::ranges::sort(config.model.preferred);
  return config;
}

}  // namespace adze::server
