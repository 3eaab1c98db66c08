// How many threads this process may run at once.
#pragma once

#include <optional>
#include <string>

namespace adze {

// The CPUs of its affinity mask, capped by the quotas of its cgroups; at least 1.
int usable_cpus();

// The CPUs that the cgroups' quotas allow, rounded up; nothing where there is no quota. `cgroups` is the text of
// /proc/self/cgroup, `mount` the folder of the hierarchies: version 2 at its root, version 1 in mount/cpu. A quota
// holds for the groups within, so that of the tightest ancestor counts; within a container, whose paths are those of
// the host, that of the mount's root.
std::optional<int> cgroup_cpus(const std::string& cgroups, const std::string& mount);

}  // namespace adze
