#include "runtime/usable_cpus.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace adze {
namespace {

class CgroupCpus : public testing::Test {
 protected:
  CgroupCpus() {
    mount_ = std::filesystem::path(testing::TempDir()) / ("adze_cgroup_" + std::to_string(getpid()));
    std::filesystem::create_directories(mount_);
  }
  ~CgroupCpus() override { std::filesystem::remove_all(mount_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((mount_ / file).parent_path());
    std::ofstream(mount_ / file) << text;
  }
  std::optional<int> cpus(const std::string& cgroups) { return cgroup_cpus(cgroups, mount_.string()); }

  std::filesystem::path mount_;
};

TEST_F(CgroupCpus, NoQuota) {
  EXPECT_EQ(cpus(""), std::nullopt);
  EXPECT_EQ(cpus("0::/\n"), std::nullopt);
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(cpus("0::/\n"), std::nullopt);
}

TEST_F(CgroupCpus, VersionTwoRoundsUp) {
  write("cpu.max", "150000 100000\n");
  EXPECT_EQ(cpus("0::/\n"), 2);
  write("cpu.max", "50000 100000\n");
  EXPECT_EQ(cpus("0::/\n"), 1);
}

TEST_F(CgroupCpus, TheTightestAncestorCounts) {
  write("a/cpu.max", "200000 100000\n");
  write("a/b/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpus("0::/a/b\n"), 2);
  write("a/b/cpu.max", "100000 100000\n");
  EXPECT_EQ(cpus("0::/a/b\n"), 1);
  EXPECT_EQ(cpus("0::/c\n"), std::nullopt);
}

// In a container the path names a folder of the host.
TEST_F(CgroupCpus, AContainersRootCounts) {
  write("cpu.max", "300000 100000\n");
  EXPECT_EQ(cpus("0::/kubepods/pod1/c1\n"), 3);
}

TEST_F(CgroupCpus, VersionOne) {
  write("cpu/docker/x/cpu.cfs_quota_us", "250000\n");
  write("cpu/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus("4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/\n"), 3);
  EXPECT_EQ(cpus("3:cpuset:/docker/x\n"), std::nullopt);
  write("cpu/docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpus("3:cpu,cpuacct:/docker/x\n"), std::nullopt);
}

TEST_F(CgroupCpus, DamagedTextIsNoQuota) {
  write("cpu.max", "lots of it\n");
  EXPECT_EQ(cpus("0::/\n"), std::nullopt);
  EXPECT_EQ(cpus("nonsense\n::\n0::\n1:cpu\n"), std::nullopt);
}

TEST(UsableCpus, AtLeastOne) { EXPECT_GE(usable_cpus(), 1); }

}  // namespace
}  // namespace adze
