// JSON arrays of numbers to an input's bytes.
#pragma once

#include <simdjson.h>

#include "graph/core/dtype.h"
#include "server/batch/job.h"

namespace adze::server {

// The numbers of nested arrays in their order: exactly `elements`, each a finite number of the type. `body_bytes` is
// the size of the text they came in: no memory is taken for more than it can hold.
Result<InputBytes> read_numbers(const simdjson::dom::array& array, DType type, std::int64_t elements,
                                std::size_t body_bytes);

}  // namespace adze::server
