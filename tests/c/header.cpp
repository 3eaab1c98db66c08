// The header alone, in the oldest C++ that it promises to work in.
#include <inference.h>

static_assert(sizeof(inference_tensor) == sizeof(void*) + sizeof(size_t) + 8 + 8 * INFERENCE_MAX_RANK,
              "the ABI's layout");
static_assert(INFERENCE_NO_TIMEOUT < 0, "timeouts are not negative");

float use(const char* data, int len);
float use(const char* data, int len) { return predict(data, len); }
