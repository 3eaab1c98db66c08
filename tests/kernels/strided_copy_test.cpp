#include "kernels/layout/strided_copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/shapes.h"

namespace adze {
namespace {

using testing::GuardedBuffer;
using Dims = std::vector<std::int64_t>;

Dims dense_strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t a = dims.size(); a-- > 1;) strides[a - 1] = strides[a] * dims[a];
  return strides;
}

// Copies dims from src strides to a dense dst, in `parts` ranges of planes, and compares element by element.
template <class T>
void check(const Dims& dims, const Dims& src_strides, std::size_t src_offset, const GuardedBuffer<T>& src, int parts) {
  StridedCopy copy;
  const Dims dst_strides = dense_strides(dims);
  for (std::size_t a = 0; a < dims.size(); a++) copy.add_axis(dims[a], src_strides[a], dst_strides[a]);
  const auto count = std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
  ASSERT_EQ(copy.elements(), count);
  GuardedBuffer<T> dst(static_cast<std::size_t>(count));
  dst.fill(T(~T{0}));
  for (int part = 0; part < parts; part++) {
    strided_copy(copy, sizeof(T), reinterpret_cast<const std::byte*>(src.data() + src_offset),
                 reinterpret_cast<std::byte*>(dst.data()), Slice{part, parts}.of(copy.planes()));
  }
  for (std::int64_t i = 0; i < count; i++) {
    std::int64_t rest = i, from = static_cast<std::int64_t>(src_offset);
    for (std::size_t a = dims.size(); a-- > 0; rest /= dims[a]) from += rest % dims[a] * src_strides[a];
    ASSERT_EQ(dst[static_cast<std::size_t>(i)], src[static_cast<std::size_t>(from)])
        << "element " << i << " of size " << sizeof(T);
  }
}

template <class T>
GuardedBuffer<T>& numbered(GuardedBuffer<T>& buffer) {
  testing::Random random(buffer.size());
  for (std::size_t i = 0; i < buffer.size(); i++) buffer[i] = static_cast<T>(random.next() >> 1);
  return buffer;
}

template <class T>
class StridedCopyTest : public ::testing::Test {};
using Sizes = ::testing::Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(StridedCopyTest, Sizes);

TYPED_TEST(StridedCopyTest, AnEmptyAxisCopiesNothing) {
  GuardedBuffer<TypeParam> src(4);
  numbered(src);
  for (const Dims& dims : {Dims{3, 0, 4}, Dims{0, 2, 2, 2}, Dims{2, 3, 2, 0}}) {
    StridedCopy copy;
    for (std::size_t a = 0; a < dims.size(); a++) copy.add_axis(dims[a], 100, 1000);  // nothing merges
    GuardedBuffer<TypeParam> dst(1);
    dst[0] = 7;
    strided_copy(copy, sizeof(TypeParam), reinterpret_cast<const std::byte*>(src.data()),
                 reinterpret_cast<std::byte*>(dst.data()), {0, copy.planes()});
    EXPECT_EQ(dst[0], TypeParam{7});
  }
}

TYPED_TEST(StridedCopyTest, TransposesOfAwkwardSizes) {
  for (const std::int64_t rows : testing::sizes_around_powers_of_two(70)) {
    for (const std::int64_t columns : {1, 3, 8, 31, 32, 33, 65}) {
      GuardedBuffer<TypeParam> src(static_cast<std::size_t>(rows * columns));
      check(Dims{columns, rows}, Dims{1, columns}, 0, numbered(src), 1);
    }
  }
}

TYPED_TEST(StridedCopyTest, EveryPermutationOfFourAxes) {
  const Dims shape = {2, 3, 5, 7}, strides = dense_strides(shape);
  GuardedBuffer<TypeParam> src(2 * 3 * 5 * 7);
  numbered(src);
  std::vector<std::size_t> perm = {0, 1, 2, 3};
  do {
    Dims dims, from;
    for (const std::size_t axis : perm) dims.push_back(shape[axis]), from.push_back(strides[axis]);
    for (const int parts : {1, 3}) check(dims, from, 0, src, parts);
  } while (std::next_permutation(perm.begin(), perm.end()));
}

TYPED_TEST(StridedCopyTest, BroadcastReversedAndSteppedAxes) {
  GuardedBuffer<TypeParam> src(200);
  numbered(src);
  check(Dims{4, 50}, Dims{0, 1}, 0, src, 2);
  check(Dims{50, 4}, Dims{1, 0}, 0, src, 2);
  check(Dims{200}, Dims{-1}, 199, src, 1);
  check(Dims{10, 20}, Dims{-20, -1}, 199, src, 1);
  check(Dims{5, 7}, Dims{40, -3}, 18, src, 1);
  check(Dims{67}, Dims{3}, 0, src, 1);
  check(Dims{1}, Dims{0}, 3, src, 1);
  check(Dims{3, 0, 4}, Dims{4, 4, 1}, 0, src, 1);
}

TEST(StridedCopyAxes, AreMergedWhereBothSidesAllow) {
  StridedCopy copy;
  copy.add_axis(2, 60, 60);
  copy.add_axis(3, 20, 20);
  copy.add_axis(4, 5, 5);
  copy.add_axis(5, 1, 1);
  EXPECT_EQ(copy.rank, 1);
  EXPECT_EQ(copy.dims[0], 120);
}

}  // namespace
}  // namespace adze
