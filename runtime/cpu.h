// Which processor this is, in the words of the system.
#pragma once

#include <string>

namespace adze {

std::string cpu_name();  // "unknown" where the system doesn't say
// The name with family, model and stepping: what times measured here hold for.
std::string cpu_identity();

}  // namespace adze
