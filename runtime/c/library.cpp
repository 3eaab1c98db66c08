// What the C interface tells about the library, and memory for the caller's tensors.
#include <cstdlib>
#include <cstring>
#include <limits>

#include "graph/core/dtype.h"
#include "kernels/core/isa.h"
#include "runtime/c/inference.h"

namespace {

constexpr std::size_t kAlignment = 64;

adze::DType dtype_of(inference_type type) {
  return type > 0 && type < 256 ? static_cast<adze::DType>(type) : adze::DType::undefined;
}

}  // namespace

int32_t inference_abi_version() { return INFERENCE_ABI_VERSION; }

const char* inference_version() { return ADZE_VERSION; }

const char* inference_isa() { return adze::isa_name(adze::active_isa()).data(); }

const char* inference_status_name(inference_status status) {
  switch (status) {
    case INFERENCE_OK:
      return "ok";
    case INFERENCE_BAD_INPUT:
      return "bad input";
    case INFERENCE_INVALID_MODEL:
      return "invalid model";
    case INFERENCE_UNSUPPORTED:
      return "unsupported";
    case INFERENCE_RESOURCE_LIMIT:
      return "resource limit";
    case INFERENCE_CANCELLED:
      return "cancelled";
    case INFERENCE_TIMED_OUT:
      return "timed out";
    case INFERENCE_INTERNAL:
      return "internal";
    default:
      return "unknown";
  }
}

const char* inference_type_name(inference_type type) { return adze::name_of(dtype_of(type)).data(); }

size_t inference_type_bytes(inference_type type) { return adze::size_of(dtype_of(type)); }

void* inference_buffer_new(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() - kAlignment) return nullptr;
  const size_t whole = bytes == 0 ? kAlignment : (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* buffer = std::aligned_alloc(kAlignment, whole);
  if (buffer) std::memset(buffer, 0, whole);
  return buffer;
}

void inference_buffer_free(void* buffer) { std::free(buffer); }
