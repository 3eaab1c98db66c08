// --tune and --tune-cache: the one place of both, and of where tuned choices are kept.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/model.h"

namespace adze {

// After parsing, options.tuner is set if the command line asks for it. `options` must live as long as `verb`.
void add_tune_options(CLI::App& verb, ModelOptions& options);

}  // namespace adze
