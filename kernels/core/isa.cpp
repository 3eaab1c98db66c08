#include "kernels/core/isa.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace adze {
namespace {

constexpr std::array<std::pair<std::string_view, Isa>, 3> kNames = {{
    {"portable", Isa::portable},
    {"avx2", Isa::avx2},
    {"avx512", Isa::avx512},
}};

Isa probe() {
#if defined(__x86_64__)
  // GCC's and Clang's probe also asks XCR0 whether the operating system saves the wide registers.
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) {
    return Isa::portable;
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    return Isa::avx512;
  }
  return Isa::avx2;
#else
  return Isa::portable;
#endif
}

std::string_view environment() {
  const char* value = std::getenv("ADZE_ISA");
  return value ? std::string_view(value) : std::string_view();
}

}  // namespace

std::string_view isa_name(Isa isa) { return kNames[static_cast<std::size_t>(isa)].first; }

std::optional<Isa> parse_isa(std::string_view name) {
  for (const auto& [known, isa] : kNames) {
    if (known == name) return isa;
  }
  return std::nullopt;
}

Isa cpu_isa() {
  static const Isa isa = probe();
  return isa;
}

Isa active_isa() {
  static const Isa isa = [] {
    const auto cap = parse_isa(environment());
    return cap && *cap < cpu_isa() ? *cap : cpu_isa();
  }();
  return isa;
}

std::string_view isa_environment_error() {
  const std::string_view value = environment();
  return value.empty() || parse_isa(value) ? std::string_view() : value;
}

}  // namespace adze
