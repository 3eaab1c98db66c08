#include "graph/core/narrow.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace adze {
namespace {

// Sign, exponent, mantissa, from the top of the byte down. Exponent 0 is subnormal.
struct Format {
  int exponent, mantissa, bias;
  unsigned largest;        // code of the largest finite magnitude
  unsigned overflow, nan;  // codes of magnitude; the same where there is no infinity
  bool signed_zero;        // otherwise the code of -0 is the only NaN
};
constexpr Format kE4M3FN{4, 3, 7, 0x7e, 0x7f, 0x7f, true};
constexpr Format kE4M3FNUZ{4, 3, 8, 0x7f, 0x80, 0x80, false};
constexpr Format kE5M2{5, 2, 15, 0x7b, 0x7c, 0x7e, true};
constexpr Format kE5M2FNUZ{5, 2, 16, 0x7f, 0x80, 0x80, false};
constexpr Format kE2M1{2, 1, 1, 0x7, 0x7, 0x0, true};

constexpr const Format& format_of(DType type) {
  switch (type) {
    case DType::f8e4m3fn:
      return kE4M3FN;
    case DType::f8e4m3fnuz:
      return kE4M3FNUZ;
    case DType::f8e5m2:
      return kE5M2;
    case DType::f8e5m2fnuz:
      return kE5M2FNUZ;
    default:
      return kE2M1;
  }
}

constexpr unsigned kScaleNaN = 0xff;
constexpr int kScaleBias = 127;

// 2^exponent. REQUIRES: a normal float
constexpr float power_of_two(int exponent) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
}

constexpr float decode(const Format& f, unsigned code) {
  const unsigned sign = 1u << (f.exponent + f.mantissa);
  const unsigned magnitude = code & (sign - 1);
  if (!f.signed_zero && (code & 0xff) == sign) return std::numeric_limits<float>::quiet_NaN();
  const unsigned field = magnitude >> f.mantissa, fraction = magnitude & ((1u << f.mantissa) - 1);
  const unsigned significand = field ? fraction | 1u << f.mantissa : fraction;
  float value =
      static_cast<float>(significand) * power_of_two(static_cast<int>(field ? field : 1) - f.bias - f.mantissa);
  if (magnitude > f.largest) {
    value = magnitude == f.overflow && f.overflow != f.nan ? std::numeric_limits<float>::infinity()
                                                           : std::numeric_limits<float>::quiet_NaN();
  }
  return code & sign ? -value : value;
}

constexpr std::array<float, 256> table(const Format& f) {
  std::array<float, 256> values{};
  for (unsigned code = 0; code < 256; code++) values[code] = decode(f, code);
  return values;
}
constexpr std::array<float, 256> scale_table() {
  std::array<float, 256> values{};
  for (unsigned code = 0; code < kScaleNaN; code++)
    values[code] = power_of_two(static_cast<int>(std::max(code, 1u)) - kScaleBias);
  values[0] /= 2;
  values[kScaleNaN] = std::numeric_limits<float>::quiet_NaN();
  return values;
}

std::uint8_t encode_float(const Format& f, float value, bool saturate) {
  const unsigned sign = std::signbit(value) ? 1u << (f.exponent + f.mantissa) : 0;
  const auto with_sign = [&](unsigned magnitude) {
    return static_cast<std::uint8_t>(magnitude || f.signed_zero ? magnitude | sign : 0);
  };
  if (std::isnan(value)) return with_sign(f.nan);
  const unsigned beyond = saturate ? f.largest : f.overflow;
  if (std::isinf(value)) return with_sign(beyond);
  if (value == 0) return with_sign(0);
  int exponent = 0;
  std::frexp(value, &exponent);  // value = [0.5, 1) * 2^exponent
  const int field = std::max(exponent - 1 + f.bias, 1);
  // In units of the last place; a carry out of the mantissa lands in the exponent, where it belongs.
  const float steps = std::nearbyint(std::ldexp(std::fabs(value), f.mantissa + f.bias - field));
  const float magnitude = steps + static_cast<float>((field - 1) << f.mantissa);
  return with_sign(magnitude > static_cast<float>(f.largest) ? beyond : static_cast<unsigned>(magnitude));
}

std::uint8_t encode_scale(float value, NarrowRounding rounding) {
  constexpr int kMost = 254;
  if (std::isnan(value)) return kScaleNaN;
  int exponent = kMost + 1;  // of infinity, and of all that is too large
  if (value == 0) {
    exponent = -1;
  } else if (std::isfinite(value)) {
    int above = 0;
    const float fraction = std::frexp(std::fabs(value), &above);  // [0.5, 1) * 2^above
    using Scale = NarrowRounding::Scale;
    const bool up =
        rounding.scale == Scale::up ? fraction > 0.5f : rounding.scale == Scale::nearest && fraction >= 0.75f;
    exponent = above - 1 + kScaleBias + up;
  }
  if (exponent >= 0 && exponent <= kMost) return static_cast<std::uint8_t>(exponent);
  if (!rounding.saturate) return kScaleNaN;
  return exponent < 0 ? 0 : kMost;
}

}  // namespace

const std::array<float, 256>& values_of(DType type) {
  static constexpr auto kE4M3FNValues = table(kE4M3FN), kE4M3FNUZValues = table(kE4M3FNUZ), kE5M2Values = table(kE5M2),
                        kE5M2FNUZValues = table(kE5M2FNUZ), kE2M1Values = table(kE2M1), kScales = scale_table();
  switch (type) {
    case DType::f8e4m3fn:
      return kE4M3FNValues;
    case DType::f8e4m3fnuz:
      return kE4M3FNUZValues;
    case DType::f8e5m2:
      return kE5M2Values;
    case DType::f8e5m2fnuz:
      return kE5M2FNUZValues;
    case DType::f8e8m0:
      return kScales;
    default:
      return kE2M1Values;
  }
}

std::optional<NarrowRounding::Scale> scale_rounding(std::string_view name) {
  if (name == "up") return NarrowRounding::Scale::up;
  if (name == "down") return NarrowRounding::Scale::down;
  if (name == "nearest") return NarrowRounding::Scale::nearest;
  return std::nullopt;
}

std::uint8_t encode(DType type, float value, NarrowRounding rounding) {
  return type == DType::f8e8m0 ? encode_scale(value, rounding)
                               : encode_float(format_of(type), value, rounding.saturate);
}

IntRange range_of(DType type) {
  const int codes = 1 << file_bits_of(type);
  if (carrier_of(type) == DType::i8) return {-codes / 2, codes / 2 - 1};
  return {0, codes - 1};
}

std::uint8_t wrap(DType type, std::uint8_t value) {
  const unsigned codes = 1u << file_bits_of(type), low = value & (codes - 1);
  const bool negative = carrier_of(type) == DType::i8 && low >= codes / 2;
  return static_cast<std::uint8_t>(negative ? low - codes : low);
}

std::size_t packed_size(DType type, std::size_t elements) {
  const auto bits = static_cast<std::size_t>(file_bits_of(type));
  return bits >= 8 ? elements * size_of(type) : elements / (8 / bits) + (elements % (8 / bits) != 0);
}

void unpack(DType type, std::span<const std::byte> packed, std::span<std::byte> elements) {
  const auto bits = static_cast<std::size_t>(file_bits_of(type)), per_byte = 8 / bits;
  for (std::size_t i = 0; i < elements.size(); i++) {
    const auto low = static_cast<std::uint8_t>(static_cast<unsigned>(packed[i / per_byte]) >> i % per_byte * bits);
    elements[i] = static_cast<std::byte>(is_narrow_int(type) ? wrap(type, low) : low & ((1u << bits) - 1));
  }
}

void pack(DType type, std::span<const std::byte> elements, std::span<std::byte> packed) {
  const auto bits = static_cast<std::size_t>(file_bits_of(type)), per_byte = 8 / bits;
  std::fill(packed.begin(), packed.end(), std::byte{0});
  for (std::size_t i = 0; i < elements.size(); i++) {
    const unsigned low = static_cast<unsigned>(elements[i]) & ((1u << bits) - 1);
    packed[i / per_byte] |= static_cast<std::byte>(low << i % per_byte * bits);
  }
}

}  // namespace adze
