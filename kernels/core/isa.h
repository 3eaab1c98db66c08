// Which instruction set a kernel is compiled for, and which one this process may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace adze {

// Ordered: each level includes the ones before it.
//   avx2    AVX2, FMA, F16C, BMI2 (Haswell, Zen and later)
//   avx512  F, CD, DQ, BW, VL (Skylake-X, Zen 4 and later)
enum class Isa : std::uint8_t { portable, avx2, avx512 };

std::string_view isa_name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

// The best level that the CPU has and the operating system saves registers for.
Isa cpu_isa();

// cpu_isa(), capped by the environment variable ADZE_ISA; both are read once. An unknown name doesn't cap:
// programs reject it at start with isa_environment_error().
Isa active_isa();

// The value of ADZE_ISA when it names no level of this build; empty when it is unset or right.
std::string_view isa_environment_error();

}  // namespace adze
