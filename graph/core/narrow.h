// Narrow types: floats of 8 and 4 bits, integers of 4 and 2. Quantised weights come in them; adze stores and converts
// them and computes in wider types. In memory each element has a byte of its own: an integer's byte is its value, a
// float's its code. Files pack what is below eight bits.
//
// The floats are those of ONNX: E4M3FN and E5M2 (Micikevicius et al., "FP8 formats for deep learning", 2022), their
// FNUZ variants without infinities or -0 (Noune et al., "8-bit numerical formats for deep neural networks", 2022), and
// E2M1 and E8M0 of the OCP Microscaling formats 1.0.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "graph/core/dtype.h"

namespace adze {

constexpr bool is_narrow_float(DType type) { return (mask_of(type) & kNarrowFloats) != 0; }
constexpr bool is_narrow_int(DType type) { return (mask_of(type) & kNarrowInts) != 0; }

// The values of all codes; above a type's last code they repeat. REQUIRES: is_narrow_float(type)
const std::array<float, 256>& values_of(DType type);

struct NarrowRounding {
  bool saturate = true;  // what is too large becomes the largest value; else infinity, or NaN where there is none
  enum class Scale { up, down, nearest } scale = Scale::up;  // E8M0 alone; the others round to nearest, ties to even
};
// Nothing for a name that ONNX's "round_mode" doesn't have.
std::optional<NarrowRounding::Scale> scale_rounding(std::string_view name);

// The code of `value`. NaN is 0 in E2M1, which has no code for it. E8M0 holds powers of two: signs are dropped, and
// what is below 2^-127 is as far out of range as what is above 2^127. Wider numbers come by way of float, as in ONNX's
// reference and in ml_dtypes. REQUIRES: is_narrow_float(type)
std::uint8_t encode(DType type, float value, NarrowRounding rounding);

struct IntRange {
  int least = 0, most = 0;
};
// REQUIRES: is_narrow_int(type)
IntRange range_of(DType type);

// The type as whose values the bytes of a narrow integer can be read; any other type itself.
constexpr DType carrier_of(DType type) {
  if (!is_narrow_int(type)) return type;
  return mask_of(type) & types(DType::i4, DType::i2) ? DType::i8 : DType::u8;
}

// The low bits of `value` as a value of the type: what a conversion that wraps leaves. REQUIRES: is_narrow_int(type)
std::uint8_t wrap(DType type, std::uint8_t value);

// Bytes of `elements` elements in a file; REQUIRES: they fit memory unpacked.
std::size_t packed_size(DType type, std::size_t elements);
// From a file's form to one byte per element, and back. REQUIRES: file_bits_of(type) < 8,
// packed.size() == packed_size(type, elements.size())
void unpack(DType type, std::span<const std::byte> packed, std::span<std::byte> elements);
void pack(DType type, std::span<const std::byte> elements, std::span<std::byte> packed);

}  // namespace adze
