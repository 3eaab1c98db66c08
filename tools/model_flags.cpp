#include "tools/model_flags.h"

namespace adze {

void add_winograd_option(CLI::App& verb, ModelOptions& options) {
  verb.add_option("--winograd", options.winograd, "off: every convolution is summed up directly (default: on)")
      ->check(CLI::IsMember({"on", "off"}));
}

void add_model_options(CLI::App& verb, ModelOptions& options) {
  verb.add_flag_callback(
      "--raw", [&options] { options.optimise = false; }, "without optimising passes");
  add_winograd_option(verb, options);
}

}  // namespace adze
