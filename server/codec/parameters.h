// Members of a request's objects, and the parameters among them that mean something. Others are passed over, as long as
// they are strings, numbers or booleans: the protocol leaves them to whoever serves the model.
#pragma once

#include <simdjson.h>

#include <optional>

#include "server/batch/job.h"

namespace adze::server {

namespace dom = simdjson::dom;

template <class... Pieces>
Error bad(const Pieces&... pieces) {
  return make_error(Code::bad_input, pieces...);
}

// What a message calls a member's type.
template <class T>
constexpr std::string_view kKind = "something else";
template <>
inline constexpr std::string_view kKind<dom::array> = "an array";
template <>
inline constexpr std::string_view kKind<dom::object> = "an object";
template <>
inline constexpr std::string_view kKind<std::string_view> = "a string";
template <>
inline constexpr std::string_view kKind<bool> = "true or false";
template <>
inline constexpr std::string_view kKind<std::uint64_t> = "a whole number from 0";

// A whole number from 0. JSON makes no difference between 7 and 7.0.
bool read_whole(const dom::element& value, std::uint64_t& out);

// Whether the object has the member. Null counts as none, another type is an error.
template <class T>
Result<bool> read_member(const dom::object& object, std::string_view key, T& out) {
  dom::element value;
  if (object.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return false;
  bool fits = false;
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    fits = read_whole(value, out);
  } else {
    fits = value.get(out) == simdjson::SUCCESS;
  }
  if (!fits) return bad('"', key, "\" is not ", kKind<T>);
  return true;
}

// Each reads the object's "parameters".
// Of a request: into the job, and whether outputs are wanted as binary data, if it says so.
Result<std::optional<bool>> read_request_parameters(const dom::object& request, Job& job);
// Of an input: how many bytes of binary data are its.
Result<std::optional<std::size_t>> read_input_parameters(const dom::object& input);
// Of an output: whether it is wanted as binary data.
Result<std::optional<bool>> read_output_parameters(const dom::object& output);

}  // namespace adze::server
