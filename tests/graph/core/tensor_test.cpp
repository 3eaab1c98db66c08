#include "graph/core/tensor.h"

#include <gtest/gtest.h>

#include <thread>

namespace adze {
namespace {

TEST(DeferredTensor, IsMadeWhenAskedForAndSharedByCopies) {
  int made = 0;
  const Tensor tensor = Tensor::deferred(DType::f32, {2}, [&](std::span<std::byte> bytes) -> Result<void> {
    EXPECT_EQ(bytes.size(), 8u);
    made++;
    const float values[] = {1.5f, -2};
    std::copy_n(reinterpret_cast<const std::byte*>(values), 8, bytes.data());
    return {};
  });
  EXPECT_EQ(tensor.bytes(), 8u);
  const Tensor copy = tensor, column = tensor.reshaped({2, 1});
  EXPECT_EQ(made, 0);
  EXPECT_EQ(copy.as<float>()[1], -2);
  EXPECT_EQ(column.as<float>()[0], 1.5f);
  EXPECT_EQ(tensor.raw(), copy.raw());
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(tensor.status());
}

TEST(DeferredTensor, ReleasedIsMadeAgainAndResidentIsKept) {
  int made = 0;
  const Tensor tensor = Tensor::deferred(DType::u8, {1}, [&](std::span<std::byte> bytes) -> Result<void> {
    bytes[0] = static_cast<std::byte>(++made);
    return {};
  });
  const Tensor released = tensor.released();
  EXPECT_EQ(tensor.as<std::uint8_t>()[0], 1);
  EXPECT_EQ(released.as<std::uint8_t>()[0], 2);
  const auto resident = tensor.resident();
  ASSERT_TRUE(resident);
  EXPECT_FALSE(resident->is_deferred());
  EXPECT_EQ(resident->as<std::uint8_t>()[0], 3);
  EXPECT_EQ(resident->resident()->raw(), resident->raw());
  EXPECT_EQ(resident->released().raw(), resident->raw());
  EXPECT_EQ(tensor.as<std::uint8_t>()[0], 1);
}

TEST(DeferredTensor, AFailureGivesZerosAndIsTold) {
  bool fails = true;
  const Tensor tensor = Tensor::deferred(DType::u8, {3}, [&](std::span<std::byte> bytes) -> Result<void> {
    bytes[0] = std::byte{7};
    if (fails) return make_error(Code::bad_input, "gone");
    return {};
  });
  EXPECT_TRUE(tensor.status()) << "nobody has asked for the bytes yet";
  EXPECT_EQ(tensor.as<std::uint8_t>()[0], 0);
  ASSERT_FALSE(tensor.status());
  EXPECT_EQ(tensor.status().error().message, "gone");
  EXPECT_FALSE(tensor.resident());
  fails = false;
  const Tensor again = tensor.released();
  EXPECT_EQ(again.as<std::uint8_t>()[0], 7);
  EXPECT_TRUE(again.status());
  EXPECT_FALSE(tensor.status()) << "its bytes are still the zeros";
}

TEST(DeferredTensor, ManyThreadsAskAtOnce) {
  std::atomic<int> made = 0;
  const Tensor tensor = Tensor::deferred(DType::u8, {1 << 16}, [&](std::span<std::byte> bytes) -> Result<void> {
    made++;
    std::fill(bytes.begin(), bytes.end(), std::byte{9});
    return {};
  });
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&] {
      for (const std::uint8_t value : tensor.as<std::uint8_t>()) wrong += value != 9;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace adze
