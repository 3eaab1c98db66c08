// Writing HTTP/1.1 responses.
#pragma once

#include <string>
#include <string_view>

#include "graph/core/result.h"

namespace adze::server {

constexpr std::string_view kJson = "application/json";

std::string_view status_text(int status);

// Appends a whole response. 503 carries Retry-After.
void write_response(std::string& out, int status, std::string_view content_type, std::string_view body, bool keep_alive,
                    std::string_view extra_fields = {});

// {"error": "..."} with everything escaped that JSON or a terminal might take for more than text.
std::string error_json(std::string_view message);

// The status that stands for an error of the engine.
int status_of(Code code);

}  // namespace adze::server
