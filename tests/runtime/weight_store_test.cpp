#include <gtest/gtest.h>

#include <cstring>

#include "runtime/arena.h"

namespace adze {
namespace {

TEST(WeightStore, FillsEachKeyOnce) {
  WeightStore store(1 << 20);
  int fills = 0;
  const auto fill = [&](std::byte* bytes) {
    fills++;
    std::memset(bytes, 7, 100);
  };
  const auto first = store.get("a", 100, fill), again = store.get("a", 100, fill);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(fills, 1);
  EXPECT_EQ(store.bytes(), 128u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(*first) % 64, 0u);
}

TEST(WeightStore, RefusesWhatIsOverItsLimit) {
  WeightStore store(1000);
  ASSERT_TRUE(store.get("a", 900, [](std::byte*) {}));
  const auto refused = store.get("b", 900, [](std::byte*) { FAIL() << "must not be filled"; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resource_limit);
  EXPECT_EQ(store.bytes(), 960u);
}

TEST(WeightStore, KeepsEarlierBytesInPlaceWhenItGrows) {
  WeightStore store(std::size_t{256} << 20);
  const auto small = store.get("small", 64, [](std::byte* bytes) { std::memset(bytes, 1, 64); });
  ASSERT_TRUE(small);
  ASSERT_TRUE(store.get("large", std::size_t{100} << 20, [](std::byte*) {}));
  EXPECT_EQ(**small, std::byte{1});
}

}  // namespace
}  // namespace adze
