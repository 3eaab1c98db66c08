// Writing HTTP/1.1 responses.
#pragma once

#include <string>
#include <string_view>

#include "graph/core/result.h"
#include "server/http/json_text.h"

namespace adze::server {

constexpr std::string_view kJson = "application/json", kBinary = "application/octet-stream";

std::string_view status_text(int status);

// Appends the head of a response whose body has `length` bytes. 503 carries Retry-After, of a second where the extra
// fields, whole lines, have no other.
void write_head(std::string& out, int status, std::string_view content_type, std::size_t length, bool keep_alive,
                std::string_view extra_fields = {});
// Appends a whole response.
void write_response(std::string& out, int status, std::string_view content_type, std::string_view body, bool keep_alive,
                    std::string_view extra_fields = {});

// The status that stands for an error of the engine.
int status_of(Code code);

}  // namespace adze::server
