#include "server/control/openapi.h"

namespace adze::server {

std::string_view openapi_json() {
  return
#include "openapi.inc"
      ;
}

}  // namespace adze::server
