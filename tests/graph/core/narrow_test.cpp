#include "graph/core/narrow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace adze::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// What the papers' tables say of each format, apart from the code under test.
struct Format {
  DType type;
  int bits, mantissa, bias;
  float largest;
  bool has_infinity, has_negative_zero;
  std::vector<int> nans;  // all codes
};
const Format kFormats[] = {
    {DType::f8e4m3fn, 8, 3, 7, 448, false, true, {0x7f, 0xff}},
    {DType::f8e4m3fnuz, 8, 3, 8, 240, false, false, {0x80}},
    {DType::f8e5m2, 8, 2, 15, 57344, true, true, {0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff}},
    {DType::f8e5m2fnuz, 8, 2, 16, 57344, false, false, {0x80}},
    {DType::f4e2m1, 4, 1, 1, 6, false, true, {}},
};

bool is_nan_code(const Format& f, int code) { return std::ranges::count(f.nans, code) != 0; }

double decoded(const Format& f, int code) {
  if (is_nan_code(f, code)) return std::nan("");
  const int half = 1 << (f.bits - 1), magnitude = code % half;
  const int exponent = magnitude >> f.mantissa;
  const double fraction = std::ldexp(magnitude % (1 << f.mantissa), -f.mantissa);
  double value = exponent ? std::ldexp(1 + fraction, exponent - f.bias) : std::ldexp(fraction, 1 - f.bias);
  if (f.has_infinity && value > static_cast<double>(f.largest)) value = HUGE_VAL;
  return code >= half ? -value : value;
}

template <class F>
void for_codes(F f) {
  for (const Format& format : kFormats) {
    SCOPED_TRACE(name_of(format.type));
    for (int code = 0; code < 1 << format.bits; code++) f(format, code);
  }
}

TEST(NarrowFloat, EveryCodeHasItsValue) {
  for_codes([](const Format& f, int code) {
    const float value = values_of(f.type)[static_cast<std::size_t>(code)];
    const double want = decoded(f, code);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(value)) << code;
    } else {
      EXPECT_EQ(static_cast<double>(value), want) << code;
      EXPECT_EQ(std::signbit(value), std::signbit(want)) << code;
    }
  });
}

TEST(NarrowFloat, EveryValueHasItsCode) {
  for_codes([](const Format& f, int code) {
    const float value = values_of(f.type)[static_cast<std::size_t>(code)];
    if (std::isnan(value)) return;
    EXPECT_EQ(encode(f.type, value, {.saturate = false}), code);
    const float kept = std::isfinite(value) ? value : std::copysign(f.largest, value);
    EXPECT_EQ(encode(f.type, value, {}), encode(f.type, kept, {.saturate = false}));
  });
}

// Between neighbours: the half-way point goes to the even code, anything past it to the nearer one.
TEST(NarrowFloat, RoundsToNearestEven) {
  for_codes([](const Format& f, int code) {
    const float low = values_of(f.type)[static_cast<std::size_t>(code)];
    if (code >= 1 << (f.bits - 1) || std::isnan(low) || low >= f.largest) return;
    const float high = values_of(f.type)[static_cast<std::size_t>(code + 1)], middle = (low + high) / 2;
    for (const float sign : {1.0f, -1.0f}) {
      const auto got = [&](float value) {
        return static_cast<int>(encode(f.type, sign * value, {})) % (1 << (f.bits - 1));
      };
      EXPECT_EQ(got(middle), code % 2 ? code + 1 : code) << middle;
      EXPECT_EQ(got(std::nextafter(middle, 0.0f)), code) << middle;
      EXPECT_EQ(got(std::nextafter(middle, kInf)), code + 1) << middle;
    }
  });
}

TEST(NarrowFloat, WhatIsTooLarge) {
  for (const Format& f : kFormats) {
    SCOPED_TRACE(name_of(f.type));
    const auto value = [&](float x, bool saturate) {
      return values_of(f.type)[encode(f.type, x, {.saturate = saturate})];
    };
    const float beyond = f.type == DType::f4e2m1 ? f.largest : f.has_infinity ? kInf : kNaN;
    const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    // The next value, were the exponent one bit wider, less half the gap.
    const float gap = std::ldexp(1.0f, std::ilogb(f.largest) - f.mantissa);
    for (const float x : {std::nextafter(f.largest + gap / 2, kInf), f.largest * 2, 1e30f, kInf}) {
      EXPECT_EQ(value(x, true), f.largest) << x;
      EXPECT_EQ(value(-x, true), -f.largest) << x;
      EXPECT_TRUE(same(value(x, false), beyond)) << x;
      EXPECT_TRUE(same(value(-x, false), -beyond)) << x;
    }
    EXPECT_EQ(value(std::nextafter(f.largest + gap / 2, 0.0f), false), f.largest);
    // Half-way past the largest: down where its mantissa is even, as between any two codes.
    const bool even = encode(f.type, f.largest, {}) % 2 == 0;
    EXPECT_TRUE(same(value(f.largest + gap / 2, false), even ? f.largest : beyond));
  }
}

TEST(NarrowFloat, NaNAndZeros) {
  for (const Format& f : kFormats) {
    SCOPED_TRACE(name_of(f.type));
    for (const bool saturate : {false, true}) {
      if (f.nans.empty()) {
        EXPECT_EQ(encode(f.type, kNaN, {saturate}) & 7, 0);
      } else {
        EXPECT_TRUE(is_nan_code(f, encode(f.type, kNaN, {saturate})));
        EXPECT_TRUE(is_nan_code(f, encode(f.type, -kNaN, {saturate})));
      }
      EXPECT_EQ(encode(f.type, 0.0f, {saturate}), 0);
      const int negative_zero = f.has_negative_zero ? 1 << (f.bits - 1) : 0;
      EXPECT_EQ(encode(f.type, -0.0f, {saturate}), negative_zero);
      EXPECT_EQ(encode(f.type, -1e-30f, {saturate}), negative_zero);
      EXPECT_EQ(encode(f.type, std::numeric_limits<float>::denorm_min(), {saturate}), 0);
    }
  }
}

TEST(PowerOfTwo, CodesAreExponents) {
  using enum NarrowRounding::Scale;
  for (int code = 0; code < 255; code++) {
    const float value = values_of(DType::f8e8m0)[static_cast<std::size_t>(code)];
    EXPECT_EQ(value, std::ldexp(1.0f, code - 127));
    for (const auto scale : {up, down, nearest}) EXPECT_EQ(encode(DType::f8e8m0, value, {true, scale}), code);
  }
  EXPECT_TRUE(std::isnan(values_of(DType::f8e8m0)[255]));
}

TEST(PowerOfTwo, RoundsAsAsked) {
  using enum NarrowRounding::Scale;
  const auto value = [](float x, NarrowRounding::Scale scale, bool saturate = true) {
    return values_of(DType::f8e8m0)[encode(DType::f8e8m0, x, {saturate, scale})];
  };
  EXPECT_EQ(value(5, up), 8);
  EXPECT_EQ(value(5, down), 4);
  EXPECT_EQ(value(5, nearest), 4);
  EXPECT_EQ(value(6, nearest), 8);  // a tie goes up
  EXPECT_EQ(value(std::nextafter(6.0f, 0.0f), nearest), 4);
  EXPECT_EQ(value(-5, up), 8);
  const float largest = std::ldexp(1.0f, 127), least = std::ldexp(1.0f, -127);
  for (const float x : {std::nextafter(largest, kInf), std::numeric_limits<float>::max(), kInf}) {
    EXPECT_EQ(value(x, up), largest);
    EXPECT_TRUE(std::isnan(value(x, up, false)));
  }
  for (const float x : {0.0f, std::ldexp(1.0f, -140)}) {
    EXPECT_EQ(value(x, down), least);
    EXPECT_TRUE(std::isnan(value(x, nearest, false)));
  }
  EXPECT_TRUE(std::isnan(value(kNaN, up)));
  EXPECT_FALSE(scale_rounding("sideways"));
  EXPECT_EQ(scale_rounding("nearest"), nearest);
}

TEST(NarrowInt, KeepsLowBits) {
  for (const DType type : {DType::i4, DType::u4, DType::i2, DType::u2}) {
    const auto [least, most] = range_of(type);
    const int codes = most - least + 1;
    EXPECT_EQ(codes, 1 << file_bits_of(type));
    for (int value = -128; value < 256; value++) {
      int want = value;
      while (want < least) want += codes;
      while (want > most) want -= codes;
      const std::uint8_t got = wrap(type, static_cast<std::uint8_t>(value));
      EXPECT_EQ(least < 0 ? static_cast<std::int8_t>(got) : got, want) << name_of(type) << ' ' << value;
    }
  }
}

TEST(Packing, FirstElementInTheLowestBits) {
  const std::vector<std::byte> packed = {std::byte{0xe1}, std::byte{0x0b}};
  const auto unpacked = [&](DType type, std::size_t n) {
    std::vector<std::byte> elements(n);
    unpack(type, std::span(packed).first(packed_size(type, n)), elements);
    std::vector<int> values;
    for (const std::byte b : elements) values.push_back(static_cast<std::int8_t>(b));
    return values;
  };
  EXPECT_EQ(unpacked(DType::u4, 3), (std::vector<int>{1, 14, 11}));
  EXPECT_EQ(unpacked(DType::i4, 3), (std::vector<int>{1, -2, -5}));
  EXPECT_EQ(unpacked(DType::f4e2m1, 4), (std::vector<int>{1, 14, 11, 0}));
  EXPECT_EQ(unpacked(DType::u2, 7), (std::vector<int>{1, 0, 2, 3, 3, 2, 0}));
  EXPECT_EQ(unpacked(DType::i2, 5), (std::vector<int>{1, 0, -2, -1, -1}));
}

TEST(Packing, ThereAndBack) {
  for (const DType type : {DType::i4, DType::u4, DType::i2, DType::u2, DType::f4e2m1}) {
    for (std::size_t n = 0; n < 20; n++) {
      std::vector<std::byte> elements(n), again(n);
      for (std::size_t i = 0; i < n; i++) {
        const auto code = static_cast<std::uint8_t>(i * 7);
        elements[i] = static_cast<std::byte>(is_narrow_int(type) ? wrap(type, code) : code % 16);
      }
      std::vector<std::byte> packed(packed_size(type, n), std::byte{0xff});
      pack(type, elements, packed);
      unpack(type, packed, again);
      EXPECT_EQ(elements, again) << name_of(type) << ' ' << n;
    }
  }
}

}  // namespace
}  // namespace adze::testing
