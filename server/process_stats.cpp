#include "server/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace adze::server {
namespace {

std::string contents(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t count_entries(const char* path) {
  DIR* folder = opendir(path);
  if (!folder) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

// The number behind "Key:" in kilobytes.
std::uint64_t kilobytes(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key + ":");
  std::uint64_t value = 0;
  if (at != text.npos) std::istringstream(text.substr(at + key.size() + 1)) >> value;
  return value;
}

}  // namespace

ProcessStats process_stats() {
  ProcessStats stats;
  // Behind the name, which is in parentheses and may hold anything: fields 3 and on of proc(5).
  const std::string text = contents("/proc/self/stat");
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int field = 3; field < 14; field++) fields >> skipped;
  double user = 0, system = 0, start = 0;
  std::uint64_t pages = 0;
  fields >> user >> system;
  for (int field = 16; field < 20; field++) fields >> skipped;
  fields >> stats.threads >> skipped >> start >> stats.virtual_bytes >> pages;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.cpu_seconds = (user + system) / ticks;
  stats.resident_bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::string boot = contents("/proc/stat");
  double boot_seconds = 0;
  if (const std::size_t at = boot.find("btime "); at != boot.npos)
    std::istringstream(boot.substr(at + 6)) >> boot_seconds;
  stats.start_seconds = boot_seconds + start / ticks;
  const std::uint64_t listed = count_entries("/proc/self/fd");
  stats.open_fds = listed ? listed - 1 : 0;  // without the one that lists them
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

MachineStats machine_stats() {
  MachineStats stats;
  const std::string memory = contents("/proc/meminfo");
  stats.memory_total = kilobytes(memory, "MemTotal") * 1024;
  stats.memory_used = stats.memory_total - kilobytes(memory, "MemAvailable") * 1024;
  std::istringstream line(contents("/proc/stat"));
  std::string name;
  line >> name;  // "cpu", then user nice system idle iowait irq softirq steal
  std::uint64_t ticks = 0;
  for (int i = 0; i < 8 && line >> ticks; i++) {
    stats.all_ticks += ticks;
    if (i != 3 && i != 4) stats.busy_ticks += ticks;
  }
  return stats;
}

}  // namespace adze::server
