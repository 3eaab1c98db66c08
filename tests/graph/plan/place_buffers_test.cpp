#include <gtest/gtest.h>

#include "graph/plan/liveness.h"
#include "tests/support/random.h"

namespace adze {
namespace {

bool overlap_in_time(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

TEST(PlaceBuffers, NoTwoLiveBuffersShareAByte) {
  for (std::uint64_t seed = 0; seed < 200; seed++) {
    testing::Random random(seed);
    std::vector<Buffer> buffers(static_cast<std::size_t>(1 + random.below(40)));
    std::size_t sum = 0;
    for (Buffer& buffer : buffers) {
      buffer.bytes = static_cast<std::size_t>(random.below(5000));
      buffer.first = static_cast<int>(random.below(30));
      buffer.last = buffer.first + static_cast<int>(random.below(10));
      sum += buffer.bytes + kBufferAlignment;
    }
    const Offsets offsets = place_buffers(buffers);
    EXPECT_LE(offsets.total, sum);
    for (std::size_t i = 0; i < buffers.size(); i++) {
      EXPECT_EQ(offsets.of[i] % kBufferAlignment, 0u);
      EXPECT_LE(offsets.of[i] + buffers[i].bytes, offsets.total);
      for (std::size_t j = 0; j < i; j++) {
        if (!overlap_in_time(buffers[i], buffers[j])) continue;
        const bool apart =
            offsets.of[i] + buffers[i].bytes <= offsets.of[j] || offsets.of[j] + buffers[j].bytes <= offsets.of[i];
        EXPECT_TRUE(apart) << "seed " << seed << " buffers " << i << " and " << j;
      }
    }
  }
}

TEST(PlaceBuffers, AChainNeedsTwoBuffers) {
  std::vector<Buffer> chain;
  for (int n = 0; n < 10; n++) chain.push_back({1024, n, n + 1});
  EXPECT_EQ(place_buffers(chain).total, 2048u);
}

}  // namespace
}  // namespace adze
