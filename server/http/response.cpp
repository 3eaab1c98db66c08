#include "server/http/response.h"

namespace adze::server {

std::string_view status_text(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

void write_head(std::string& out, int status, std::string_view content_type, std::size_t length, bool keep_alive,
                std::string_view extra_fields) {
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += status_text(status);
  out += "\r\nContent-Type: ";
  out += content_type;
  out += "\r\nContent-Length: ";
  out += std::to_string(length);
  if (status == 503 && extra_fields.find("Retry-After:") == extra_fields.npos) out += "\r\nRetry-After: 1";
  if (!keep_alive) out += "\r\nConnection: close";
  out += "\r\n";
  out += extra_fields;
  out += "\r\n";
}

void write_response(std::string& out, int status, std::string_view content_type, std::string_view body, bool keep_alive,
                    std::string_view extra_fields) {
  write_head(out, status, content_type, body.size(), keep_alive, extra_fields);
  out += body;
}

int status_of(Code code) {
  switch (code) {
    case Code::bad_input:
    case Code::mismatch:
    case Code::unsupported:
      return 400;
    case Code::resource_limit:
    case Code::cancelled:
    case Code::invalid_model:
    case Code::internal:
      return 503;
  }
  return 503;
}

}  // namespace adze::server
