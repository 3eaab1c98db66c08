// What every function of the C interface goes through: no exception leaves it, and each failure leaves its text.
#pragma once

#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "graph/core/result.h"
#include "runtime/c/inference.h"

namespace adze::c {

// The text of a handle's last failure. Setting it never fails.
class ErrorText {
 public:
  const char* text() const noexcept { return fixed_ ? fixed_ : text_.c_str(); }
  void clear() noexcept { fixed_ = ""; }
  void set(std::string&& text) noexcept {
    text_ = std::move(text);
    fixed_ = nullptr;
  }
  // REQUIRES: `text` is a literal
  void set_fixed(const char* text) noexcept { fixed_ = text; }

 private:
  std::string text_;
  const char* fixed_ = "";
};

inline inference_status status_of(Code code) noexcept {
  switch (code) {
    case Code::bad_input:
      return INFERENCE_BAD_INPUT;
    case Code::invalid_model:
      return INFERENCE_INVALID_MODEL;
    case Code::unsupported:
      return INFERENCE_UNSUPPORTED;
    case Code::resource_limit:
      return INFERENCE_RESOURCE_LIMIT;
    case Code::cancelled:
      return INFERENCE_CANCELLED;
    case Code::mismatch:
    case Code::internal:
      break;
  }
  return INFERENCE_INTERNAL;
}

// Calls work(), which gives a Result<void>.
template <class Work>
inference_status guarded(ErrorText& error, Work&& work) noexcept {
  try {
    Result<void> done = work();
    if (done) return INFERENCE_OK;
    error.set(std::move(done.error().message));
    return status_of(done.error().code);
  } catch (const std::bad_alloc&) {
    error.set_fixed("out of memory");
    return INFERENCE_RESOURCE_LIMIT;
  } catch (const std::system_error&) {
    error.set_fixed("the system grants no more threads");
    return INFERENCE_RESOURCE_LIMIT;
  } catch (...) {
    error.set_fixed("internal error: an unexpected exception");
    return INFERENCE_INTERNAL;
  }
}

// A structure that the caller's header may know in an older or newer version: what an older one lacks is zero, and what
// a newer one adds must be zero, for it would ask for something that this library doesn't know. Null is all zeros.
template <class Options>
Result<Options> read_options(const Options* given) {
  constexpr std::size_t kMostBytes = 4096;
  Options options{};
  if (!given) return options;
  const std::size_t bytes = given->struct_size;
  if (bytes < sizeof(std::size_t) || bytes > kMostBytes) {
    return make_error(Code::bad_input, "options: struct_size is ", bytes, ", not the size of a structure");
  }
  std::memcpy(&options, given, std::min(bytes, sizeof options));
  const auto* raw = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof options; i < bytes; i++) {
    if (raw[i]) return make_error(Code::bad_input, "options: byte ", i, " asks for what this version doesn't know");
  }
  return options;
}

}  // namespace adze::c
