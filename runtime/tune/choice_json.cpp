#include "runtime/tune/choice_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adze {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "adze-tune";
// Raised when kernels change so much that old choices would mislead.
constexpr int kVersion = 1;
constexpr int kMostParts = 1024;

constexpr std::pair<Share, std::string_view> kShares[] = {{Share::rows, "rows"}, {Share::panels, "panels"}};

// What the default choice says is left out.
Json json_of(const Choice& choice) {
  Json json = Json::object();
  if (choice.isa) json["isa"] = isa_name(*choice.isa);
  if (choice.parts) json["threads"] = choice.parts;
  for (const auto& [share, name] : kShares) {
    if (choice.order.share == share) json["share"] = name;
  }
  if (choice.order.row_block != GemmOrder().row_block) json["row_block"] = choice.order.row_block;
  return json;
}

std::optional<std::int64_t> integer_in(const Json& json) {
  if (!json.is_number_integer()) return {};
  return json.get<std::int64_t>();
}

// Sets one member of `choice`; false where it has no such member or value.
bool set_member(Choice& choice, const std::string& name, const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  const std::int64_t number = integer_in(value).value_or(0);
  if (name == "isa") return (choice.isa = parse_isa(text)).has_value();
  if (name == "threads") {
    choice.parts = static_cast<int>(std::clamp<std::int64_t>(number, 0, kMostParts));
    return choice.parts == number && number > 0;
  }
  if (name == "share") {
    const auto* found = std::ranges::find(kShares, text, [](const auto& entry) { return entry.second; });
    if (found == std::end(kShares)) return false;
    choice.order.share = found->first;
    return true;
  }
  if (name != "row_block") return false;
  const auto* found = std::ranges::find(kRowBlocks, number);
  if (found == std::end(kRowBlocks)) return false;
  choice.order.row_block = *found;
  return true;
}

std::optional<Choice> choice_of(const Json& json) {
  if (!json.is_object()) return {};
  Choice choice;
  for (const auto& [name, value] : json.items()) {
    if (!set_member(choice, name, value)) return {};
  }
  return choice;
}

}  // namespace

Result<ChoicesByMachine> parse_choices(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return make_error(Code::bad_input, "is damaged: not JSON");
  const auto format = json.is_object() ? json.find("format") : json.end();
  if (format == json.end() || *format != kFormat) return make_error(Code::bad_input, "holds no tuned choices");
  const auto version = json.find("version"), machines = json.find("machines");
  if (version == json.end() || *version != kVersion) return make_error(Code::bad_input, "is of another version");
  if (machines == json.end() || !machines->is_object()) return make_error(Code::bad_input, "is damaged: no machines");
  ChoicesByMachine result;
  for (const auto& [machine, keys] : machines->items()) {
    if (!keys.is_object()) continue;
    for (const auto& [key, value] : keys.items()) {
      if (const auto choice = choice_of(value)) result[machine].emplace(key, *choice);
    }
  }
  return result;
}

std::string to_text(const ChoicesByMachine& machines) {
  Json json = {{"format", kFormat}, {"version", kVersion}, {"machines", Json::object()}};
  for (const auto& [machine, keys] : machines) {
    Json& at = json["machines"][machine] = Json::object();
    for (const auto& [key, choice] : keys) at[key] = json_of(choice);
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace adze
