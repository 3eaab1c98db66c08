// What the system says of this process and of the machine. Linux: read from /proc.
#pragma once

#include <cstdint>

namespace adze::server {

struct ProcessStats {
  std::uint64_t resident_bytes = 0, virtual_bytes = 0, threads = 0, open_fds = 0, max_fds = 0;
  double cpu_seconds = 0, start_seconds = 0;  // used so far; when it began, since 1970
};
ProcessStats process_stats();

struct MachineStats {
  std::uint64_t memory_total = 0, memory_used = 0;  // bytes
  std::uint64_t busy_ticks = 0, all_ticks = 0;      // of all processors since boot
};
MachineStats machine_stats();

}  // namespace adze::server
