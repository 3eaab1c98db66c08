#include "runtime/usable_cpus.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace adze {
namespace {

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// "max 100000" or "50000 100000": microseconds of quota, -1 or max for none, and of period.
std::optional<int> cpus_of(const std::string& text) {
  std::istringstream in(text);
  long long quota = 0, period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return {};
  return static_cast<int>(std::min<long long>((quota - 1) / period + 1, 1 << 20));
}

void tighten(std::optional<int>& cpus, std::optional<int> by) {
  if (by && (!cpus || *by < *cpus)) cpus = by;
}

// The quotas of the group and of all around it; read(folder) gives a folder's.
template <class Read>
std::optional<int> tightest(const std::string& root, std::string path, Read read) {
  std::optional<int> cpus;
  while (true) {
    tighten(cpus, read(root + path));
    if (path.empty()) return cpus;
    path.resize(path == "/" ? 0 : path.rfind('/'));
  }
}

}  // namespace

std::optional<int> cgroup_cpus(const std::string& cgroups, const std::string& mount) {
  std::optional<int> cpus;
  std::istringstream lines(cgroups);
  for (std::string line; std::getline(lines, line);) {  // ID:CONTROLLERS:PATH
    const std::size_t first = line.find(':'), second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos || second + 1 == line.size() || line[second + 1] != '/') continue;
    const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      tighten(cpus, tightest(mount, path, [](const std::string& at) { return cpus_of(text_of(at + "/cpu.max")); }));
    } else if (controllers.find(",cpu,") != controllers.npos) {
      tighten(cpus, tightest(mount + "/cpu", path, [](const std::string& at) {
                return cpus_of(text_of(at + "/cpu.cfs_quota_us") + ' ' + text_of(at + "/cpu.cfs_period_us"));
              }));
    }
  }
  return cpus;
}

int usable_cpus() {
  cpu_set_t set;
  int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  if (const auto quota = cgroup_cpus(text_of("/proc/self/cgroup"), "/sys/fs/cgroup")) cpus = std::min(cpus, *quota);
  return std::max(cpus, 1);
}

}  // namespace adze
