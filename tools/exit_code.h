// The exit codes of the adze command, and how an error is told: one line on stderr.
#pragma once

#include <cstdio>

#include "graph/core/result.h"

namespace adze {

enum ExitCode {
  kExitOk = 0,
  kExitMismatch = 1,
  kExitUsage = 2,
  kExitBadModel = 3,
  kExitUnsupported = 4,
  kExitResource = 5,
  kExitInternal = 70,
};

inline int exit_code(Code code) {
  switch (code) {
    case Code::mismatch:
      return kExitMismatch;
    case Code::bad_input:
      return kExitUsage;
    case Code::invalid_model:
      return kExitBadModel;
    case Code::unsupported:
      return kExitUnsupported;
    case Code::resource_limit:
      return kExitResource;
    case Code::cancelled:
    case Code::internal:
      break;
  }
  return kExitInternal;
}

inline int fail(const Error& error) {
  std::fprintf(stderr, "adze: %s\n", error.message.c_str());
  return exit_code(error.code);
}

}  // namespace adze
