#include "server/codec/parameters.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace adze::server {
namespace {

// Longer than any deadline, and far from overflowing a clock.
constexpr std::uint64_t kLongestTimeout = std::uint64_t{24} * 3600 * 1'000'000;

// The object's parameters, none where there are none. Those of `refused` that mean something are an error.
template <std::size_t N>
Result<std::optional<dom::object>> parameters_of(const dom::object& object,
                                                 const std::array<std::string_view, N>& refused) {
  dom::object parameters;
  ADZE_TRY(const bool given, read_member(object, "parameters", parameters));
  if (!given) return std::optional<dom::object>();
  for (const auto& [key, value] : parameters) {
    if (value.is_array() || value.is_object()) return bad("parameter \"", key, "\" is no string, number or boolean");
    const auto is_nothing = [&value = value] {
      std::int64_t number = 1;
      bool flag = true;
      std::string_view text = "x";
      return value.is_null() || (value.get(number) == simdjson::SUCCESS && number == 0) ||
             (value.get(flag) == simdjson::SUCCESS && !flag) || (value.get(text) == simdjson::SUCCESS && text.empty());
    };
    if (std::ranges::find(refused, key) != refused.end() && !is_nothing())
      return bad("parameter \"", key, "\" is not supported");
  }
  return std::optional(parameters);
}

template <class T>
Result<std::optional<T>> read_parameter(const dom::object& parameters, std::string_view key) {
  T value{};
  auto given = read_member(parameters, key, value);
  if (!given) return std::move(given).error().with_context("parameters");
  return *given ? std::optional<T>(value) : std::nullopt;
}

}  // namespace

bool read_whole(const dom::element& value, std::uint64_t& out) {
  if (value.get(out) == simdjson::SUCCESS) return true;
  double real = 0;
  constexpr double kBound = 9007199254740992;  // above it a double may have been rounded
  if (!value.is_double() || value.get(real) != simdjson::SUCCESS) return false;
  if (!(real >= 0 && real <= kBound) || real != std::floor(real)) return false;
  out = static_cast<std::uint64_t>(real);
  return true;
}

Result<std::optional<bool>> read_request_parameters(const dom::object& request, Job& job) {
  constexpr std::array<std::string_view, 3> kRefused = {"sequence_id", "sequence_start", "sequence_end"};
  ADZE_TRY(const auto parameters, parameters_of(request, kRefused));
  if (!parameters) return std::optional<bool>();
  ADZE_TRY(const auto priority, read_parameter<std::uint64_t>(*parameters, "priority"));
  job.priority = priority.value_or(0);
  ADZE_TRY(const auto timeout, read_parameter<std::uint64_t>(*parameters, "timeout"));
  job.timeout = std::chrono::microseconds(std::min(timeout.value_or(0), kLongestTimeout));
  return read_parameter<bool>(*parameters, "binary_data_output");
}

Result<std::optional<std::size_t>> read_input_parameters(const dom::object& input) {
  constexpr std::array<std::string_view, 1> kRefused = {"shared_memory_region"};
  ADZE_TRY(const auto parameters, parameters_of(input, kRefused));
  if (!parameters) return std::optional<std::size_t>();
  return read_parameter<std::size_t>(*parameters, "binary_data_size");
}

Result<std::optional<bool>> read_output_parameters(const dom::object& output) {
  constexpr std::array<std::string_view, 2> kRefused = {"shared_memory_region", "classification"};
  ADZE_TRY(const auto parameters, parameters_of(output, kRefused));
  if (!parameters) return std::optional<bool>();
  return read_parameter<bool>(*parameters, "binary_data");
}

}  // namespace adze::server
