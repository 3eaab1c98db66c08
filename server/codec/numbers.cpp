#include "server/codec/numbers.h"

#include <cmath>
#include <cstring>

namespace adze::server {
namespace {

namespace dom = simdjson::dom;
using simdjson::error_code;

template <class T>
bool read_number(const dom::element& value, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    return value.get(out) == error_code::SUCCESS;
  } else if constexpr (std::is_integral_v<T>) {
    std::int64_t wide = 0;
    std::uint64_t unsigned_wide = 0;
    if (value.get(wide) == error_code::SUCCESS) {
      out = static_cast<T>(wide);
      return std::in_range<T>(wide);
    }
    if (value.get(unsigned_wide) != error_code::SUCCESS) return false;
    out = static_cast<T>(unsigned_wide);
    return std::in_range<T>(unsigned_wide);
  } else {
    double wide = 0;
    if (value.get(wide) != error_code::SUCCESS) return false;
    const auto narrow = static_cast<float>(wide);
    out = static_cast<T>(std::is_same_v<T, double> ? wide : static_cast<double>(narrow));
    return std::isfinite(static_cast<double>(static_cast<T>(out)));
  }
}

// What a message calls an element of the type.
template <class T>
constexpr std::string_view kWanted = std::is_same_v<T, bool> ? "true or false" : "a number of the input's type";

struct Target {
  std::byte* bytes;
  std::size_t count, most;
};

template <class T>
Result<void> append(const dom::array& array, Target& target) {
  for (const dom::element item : array) {
    dom::array inner;
    if (item.get(inner) == error_code::SUCCESS) {
      ADZE_CHECK(append<T>(inner, target));
      continue;
    }
    T value{};
    if (!read_number(item, value)) return make_error(Code::bad_input, "element ", target.count, " is not ", kWanted<T>);
    if (target.count == target.most)
      return make_error(Code::bad_input, "there are more than the expected ", target.most, " numbers");
    std::memcpy(target.bytes + target.count * sizeof(T), &value, sizeof value);
    target.count++;
  }
  return {};
}

}  // namespace

Result<InputBytes> read_numbers(const dom::array& array, DType type, std::int64_t elements, std::size_t body_bytes) {
  const auto most = static_cast<std::size_t>(elements);
  // Each takes a digit and a comma at least.
  if (most > body_bytes)
    return make_error(Code::bad_input, "expected ", elements, " numbers, for which the body is too short");
  InputBytes result(most * size_of(type));
  Target target{result.writable(), 0, most};
  ADZE_CHECK(dispatch(type, [&](auto tag) { return append<typename decltype(tag)::type>(array, target); }));
  if (target.count != most) return make_error(Code::bad_input, "expected ", elements, " numbers, got ", target.count);
  return result;
}

}  // namespace adze::server
