#include "graph/core/dtype.h"

#include <array>

namespace adze {
namespace {

struct Row {
  std::uint8_t size;
  std::string_view name, numpy, oip;
};

constexpr std::array<Row, 29> kRows = {{
    {0, "undefined", "", ""},        {4, "float", "f4", "FP32"},    {1, "uint8", "u1", "UINT8"},
    {1, "int8", "i1", "INT8"},       {2, "uint16", "u2", "UINT16"}, {2, "int16", "i2", "INT16"},
    {4, "int32", "i4", "INT32"},     {8, "int64", "i8", "INT64"},   {0, "string", "", "BYTES"},
    {1, "bool", "b1", "BOOL"},       {2, "float16", "f2", "FP16"},  {8, "double", "f8", "FP64"},
    {4, "uint32", "u4", "UINT32"},   {8, "uint64", "u8", "UINT64"}, {0, "complex64", "", ""},
    {0, "complex128", "", ""},       {2, "bfloat16", "", "BF16"},   {1, "float8e4m3fn", "u1", ""},
    {1, "float8e4m3fnuz", "u1", ""}, {1, "float8e5m2", "u1", ""},   {1, "float8e5m2fnuz", "u1", ""},
    {1, "uint4", "u1", ""},          {1, "int4", "i1", ""},         {1, "float4e2m1", "u1", ""},
    {1, "float8e8m0", "u1", ""},     {1, "uint2", "u1", ""},        {1, "int2", "i1", ""},
    {0, "float6e2m3", "", ""},       {0, "float6e3m2", "", ""},
}};

const Row& row(DType type) {
  const auto index = static_cast<std::size_t>(type);
  return kRows[index < kRows.size() ? index : 0];
}

}  // namespace

std::size_t size_of(DType type) { return row(type).size; }
int file_bits_of(DType type) {
  if (mask_of(type) & types(DType::u2, DType::i2)) return 2;
  if (mask_of(type) & types(DType::u4, DType::i4, DType::f4e2m1)) return 4;
  return static_cast<int>(8 * size_of(type));
}
std::string_view name_of(DType type) { return row(type).name; }
std::string_view numpy_name_of(DType type) { return row(type).numpy; }
std::string_view oip_name_of(DType type) { return row(type).oip; }
bool is_float(DType type) { return (kFloats & mask_of(type)) != 0; }

}  // namespace adze
