// How a command line wants a model run: the one place of --raw and --winograd.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/model.h"

namespace adze {

// --winograd on|off. `options` must live as long as `verb`.
void add_winograd_option(CLI::App& verb, ModelOptions& options);
// The same, and --raw.
void add_model_options(CLI::App& verb, ModelOptions& options);

}  // namespace adze
