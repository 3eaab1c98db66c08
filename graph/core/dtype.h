// Element types, numbered as ONNX's TensorProto.DataType, and the one place where a type becomes a template argument.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/core/float16.h"

namespace adze {

enum class DType : std::uint8_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  bf16 = 16,
  // Narrow types: moved and converted, never computed in (graph/core/narrow.h).
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,
  i4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  i2 = 26,
};

// Bytes of one element in memory; 0 for types that adze doesn't store.
std::size_t size_of(DType type);
// Bits of one element in a file, where elements of fewer than eight are packed, the first in the lowest bits.
int file_bits_of(DType type);
// ONNX's lower-case name: "float", "int64", "bool", ...
std::string_view name_of(DType type);
// NumPy's name without byte order: "f4", "i8", "b1", ...; empty where NumPy has none. Narrow integers go as bytes of
// the same value, narrow floats as bytes of their code: what ml_dtypes' types are a view of.
std::string_view numpy_name_of(DType type);
// The Open Inference Protocol's name: "FP32", "INT64", "BOOL", ...
std::string_view oip_name_of(DType type);
bool is_float(DType type);

// A set of types, as an operator's inputs declare them. Every type that adze stores has a number below 32.
using TypeMask = std::uint32_t;
// Empty for a number that is no element type: it comes from a file.
constexpr TypeMask mask_of(DType type) {
  const auto code = static_cast<unsigned>(type);
  return code < 32 ? TypeMask{1} << code : 0;
}
template <class... Types>
constexpr TypeMask types(Types... t) {
  return (mask_of(t) | ...);
}
constexpr TypeMask kFloats = types(DType::f16, DType::f32, DType::f64, DType::bf16);
constexpr TypeMask kSigned = types(DType::i8, DType::i16, DType::i32, DType::i64);
constexpr TypeMask kUnsigned = types(DType::u8, DType::u16, DType::u32, DType::u64);
constexpr TypeMask kInts = kSigned | kUnsigned;
constexpr TypeMask kNumbers = kFloats | kInts;
constexpr TypeMask kAnyType = kNumbers | mask_of(DType::boolean);
constexpr TypeMask kIndices = types(DType::i32, DType::i64);
constexpr TypeMask kFloat8 = types(DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz);
constexpr TypeMask kNarrowFloats = kFloat8 | types(DType::f4e2m1, DType::f8e8m0);
constexpr TypeMask kNarrowInts = types(DType::i4, DType::u4, DType::i2, DType::u2);
constexpr TypeMask kNarrow = kNarrowFloats | kNarrowInts;
constexpr TypeMask kStored = kAnyType | kNarrow;  // for operators that only move elements

template <class T>
struct TypeTag {
  using type = T;
};

// Calls f(TypeTag<T>{}) with the C++ type of `type`: float, double, Float16, BFloat16, [u]int{8,16,32,64}_t, bool.
// REQUIRES: kAnyType contains type.
template <class F>
decltype(auto) dispatch(DType type, F&& f) {
  switch (type) {
    case DType::f64:
      return f(TypeTag<double>{});
    case DType::f16:
      return f(TypeTag<Float16>{});
    case DType::bf16:
      return f(TypeTag<BFloat16>{});
    case DType::u8:
      return f(TypeTag<std::uint8_t>{});
    case DType::i8:
      return f(TypeTag<std::int8_t>{});
    case DType::u16:
      return f(TypeTag<std::uint16_t>{});
    case DType::i16:
      return f(TypeTag<std::int16_t>{});
    case DType::u32:
      return f(TypeTag<std::uint32_t>{});
    case DType::i32:
      return f(TypeTag<std::int32_t>{});
    case DType::u64:
      return f(TypeTag<std::uint64_t>{});
    case DType::i64:
      return f(TypeTag<std::int64_t>{});
    case DType::boolean:
      return f(TypeTag<bool>{});
    default:
      return f(TypeTag<float>{});
  }
}

// The same for floating-point types alone. REQUIRES: kFloats contains type.
template <class F>
decltype(auto) dispatch_float(DType type, F&& f) {
  switch (type) {
    case DType::f64:
      return f(TypeTag<double>{});
    case DType::f16:
      return f(TypeTag<Float16>{});
    case DType::bf16:
      return f(TypeTag<BFloat16>{});
    default:
      return f(TypeTag<float>{});
  }
}

template <class T>
constexpr DType dtype_of = DType::undefined;
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<Float16> = DType::f16;
template <>
inline constexpr DType dtype_of<BFloat16> = DType::bf16;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::int8_t> = DType::i8;
template <>
inline constexpr DType dtype_of<std::uint16_t> = DType::u16;
template <>
inline constexpr DType dtype_of<std::int16_t> = DType::i16;
template <>
inline constexpr DType dtype_of<std::uint32_t> = DType::u32;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::uint64_t> = DType::u64;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<bool> = DType::boolean;

}  // namespace adze
