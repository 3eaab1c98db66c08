#include "tools/tune_flags.h"

#include <cstdio>
#include <cstdlib>

#include "runtime/tune/tuner.h"

namespace adze {
namespace {

void note(const std::string& text) { std::fprintf(stderr, "adze: %s\n", text.c_str()); }

// By the XDG base directory specification, which has relative paths ignored. Empty where there is none.
std::string default_cache() {
  const auto folder = [](const char* name) {
    const char* value = std::getenv(name);
    return value && *value == '/' ? std::string(value) : std::string();
  };
  if (const std::string cache = folder("XDG_CACHE_HOME"); !cache.empty()) return cache + "/adze/tune.json";
  if (const std::string home = folder("HOME"); !home.empty()) return home + "/.cache/adze/tune.json";
  return {};
}

struct TuneFlags {
  bool tune = false;
  std::string cache;
};

std::shared_ptr<Tuner> make_tuner(const TuneFlags& flags) {
  const std::string path = flags.cache.empty() ? default_cache() : flags.cache;
  if (path.empty()) note("what is tuned is not kept: neither XDG_CACHE_HOME nor HOME names a folder");
  return std::make_shared<Tuner>(std::make_shared<ChoiceCache>(path, note), note);
}

}  // namespace

void add_tune_options(CLI::App& verb, ModelOptions& options) {
  const auto flags = std::make_shared<TuneFlags>();
  CLI::Option* tune = verb.add_flag("--tune", flags->tune,
                                    "time what can be chosen without changing a byte, before the first run; what was "
                                    "timed before is taken from the cache");
  verb.add_option("--tune-cache", flags->cache,
                  "the cache (default: $XDG_CACHE_HOME/adze/tune.json, else ~/.cache/adze/tune.json)")
      ->needs(tune);
  verb.parse_complete_callback([flags, &options] {
    if (flags->tune) options.tuner = make_tuner(*flags);
  });
}

}  // namespace adze
