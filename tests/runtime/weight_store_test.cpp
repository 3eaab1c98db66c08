#include <gtest/gtest.h>

#include <cstring>

#include "runtime/arena.h"

namespace adze {
namespace {

Result<void> write_nothing(std::byte*) { return {}; }

TEST(WeightStore, FillsEachKeyOnce) {
  WeightStore store(1 << 20);
  int fills = 0;
  const auto fill = [&](std::byte* bytes) {
    fills++;
    std::memset(bytes, 7, 100);
    return Result<void>();
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
  ASSERT_TRUE(store.get("a", 900, write_nothing));
  const auto refused = store.get("b", 900, [](std::byte*) {
    ADD_FAILURE() << "must not be filled";
    return Result<void>();
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resource_limit);
  EXPECT_EQ(store.bytes(), 960u);
}

TEST(WeightStore, CountsWhatIsHeldElsewhere) {
  WeightStore store(1000, 200);
  EXPECT_EQ(store.bytes(), 200u);
  EXPECT_FALSE(store.get("a", 900, write_nothing));
  EXPECT_TRUE(store.get("a", 768, write_nothing));
}

TEST(WeightStore, KeepsNothingOfAFillThatFails) {
  WeightStore store(1 << 20);
  const auto failed = store.get("a", 100, [](std::byte* bytes) -> Result<void> {
    std::memset(bytes, 7, 100);
    return make_error(Code::bad_input, "gone");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "gone");
  EXPECT_EQ(store.bytes(), 0u);
  const auto again = store.get("a", 100, write_nothing);
  ASSERT_TRUE(again);
  for (int i = 0; i < 100; i++) ASSERT_EQ((*again)[i], std::byte{0});
}

TEST(WeightStore, KeepsEarlierBytesInPlaceWhenItGrows) {
  WeightStore store(std::size_t{256} << 20);
  const auto small = store.get("small", 64, [](std::byte* bytes) {
    std::memset(bytes, 1, 64);
    return Result<void>();
  });
  ASSERT_TRUE(small);
  ASSERT_TRUE(store.get("large", std::size_t{100} << 20, write_nothing));
  EXPECT_EQ(**small, std::byte{1});
}

}  // namespace
}  // namespace adze
