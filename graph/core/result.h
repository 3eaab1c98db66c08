// Result<T>: a value or an Error, for everything that comes from outside (files, requests, options). Each layer adds
// one clause of context, so a message reads from the file inwards:
//   model.onnx: node 17 "Softmax_3" (Softmax): axis 4 is out of range for rank 3
// Programmer errors assert instead. Member names follow std::expected.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace adze {

enum class Code {
  bad_input,       // arguments, tensors or requests that don't fit the model
  mismatch,        // a comparison failed
  invalid_model,   // the file is not a well-formed model
  unsupported,     // well-formed, but outside what adze runs
  resource_limit,  // a limit on memory, time or queue length
  cancelled,       // the caller's cancel flag was seen
  internal,
};

struct Error {
  Code code = Code::internal;
  std::string message;

  Error with_context(std::string_view context) && {
    message.insert(0, ": ");
    message.insert(0, context);
    return std::move(*this);
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  // REQUIRES: has_value()
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  // REQUIRES: !has_value()
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  Error& error() & { return error_; }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

// Builds the message from pieces: strings, characters and numbers.
namespace detail {
inline void append(std::string& out, std::string_view piece) { out.append(piece); }
inline void append(std::string& out, const char* piece) { out.append(piece); }
inline void append(std::string& out, char piece) { out.push_back(piece); }
template <class Number>
requires std::is_arithmetic_v<Number>
void append(std::string& out, Number piece) { out.append(std::to_string(piece)); }
}  // namespace detail

template <class... Pieces>
std::string concat(const Pieces&... pieces) {
  std::string out;
  (detail::append(out, pieces), ...);
  return out;
}

template <class... Pieces>
Error make_error(Code code, const Pieces&... pieces) {
  return Error{code, concat(pieces...)};
}

}  // namespace adze

#define ADZE_CONCAT_(a, b) a##b
#define ADZE_CONCAT(a, b) ADZE_CONCAT_(a, b)

// ADZE_TRY(auto x, expression): x is the value, or the error is returned from the enclosing function.
#define ADZE_TRY(declaration, ...) ADZE_TRY_(ADZE_CONCAT(adze_result_, __LINE__), declaration, __VA_ARGS__)
#define ADZE_TRY_(result, declaration, ...)                  \
  auto result = (__VA_ARGS__);                               \
  if (!result.has_value()) return std::move(result).error(); \
  declaration = *std::move(result)

// ADZE_CHECK(expression): returns the error of a Result<void>.
#define ADZE_CHECK(...)                                                              \
  do {                                                                               \
    auto adze_check_result = (__VA_ARGS__);                                          \
    if (!adze_check_result.has_value()) return std::move(adze_check_result).error(); \
  } while (0)

#if defined(ADZE_ASSERTS)
#define ADZE_ASSERT(condition) \
  ((condition)                 \
       ? void()                \
       : (std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition), std::abort()))
#else
#define ADZE_ASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#endif
