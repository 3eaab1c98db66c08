// The OpenAPI document: what GET /openapi.json answers.
#pragma once

#include <string_view>

namespace adze::server {

std::string_view openapi_json();

}  // namespace adze::server
