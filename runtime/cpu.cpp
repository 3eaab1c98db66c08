#include "runtime/cpu.h"

#include <algorithm>
#include <fstream>
#include <string_view>

namespace adze {
namespace {

// A field of the first processor in /proc/cpuinfo, or nothing.
std::string cpu_field(std::string_view name) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    if (std::string_view(line).substr(0, line.find_last_not_of(" \t", colon - 1) + 1) != name) continue;
    return line.substr(std::min(colon + 2, line.size()));
  }
  return {};
}

}  // namespace

std::string cpu_name() {
  std::string name = cpu_field("model name");
  return name.empty() ? "unknown" : name;
}

std::string cpu_identity() {
  std::string text = cpu_name();
  for (const char* field : {"cpu family", "model", "stepping"}) text += ' ' + cpu_field(field);
  return text;
}

}  // namespace adze
