// Attributes that are lists of one entry per something else.
#pragma once

#include <concepts>
#include <string_view>
#include <utility>

#include "graph/core/result.h"

namespace adze {

Result<void> check_length(std::string_view name, std::size_t length, std::integral auto expected) {
  if (std::cmp_equal(length, expected)) return {};
  return make_error(Code::invalid_model, name, " has ", length, " entries, not ", expected);
}

}  // namespace adze
