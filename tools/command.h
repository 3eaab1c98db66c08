// The verbs of the adze command. Each adds itself to the parser with its options and sets `run` when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace adze {

using RunVerb = std::function<int()>;

void add_run(CLI::App& app, RunVerb& run);
void add_bench(CLI::App& app, RunVerb& run);
void add_inspect(CLI::App& app, RunVerb& run);
void add_verify(CLI::App& app, RunVerb& run);
void add_serve(CLI::App& app, RunVerb& run);
void add_hw(CLI::App& app, RunVerb& run);
void add_operators(CLI::App& app, RunVerb& run);

}  // namespace adze
