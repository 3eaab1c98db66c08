#include "graph/core/dtype.h"

#include <array>

namespace adze {
namespace {

struct Row {
  std::uint8_t size;
  std::string_view name, numpy, oip;
};

constexpr std::array<Row, 17> kRows = {{
    {0, "undefined", "", ""},
    {4, "float", "f4", "FP32"},
    {1, "uint8", "u1", "UINT8"},
    {1, "int8", "i1", "INT8"},
    {2, "uint16", "u2", "UINT16"},
    {2, "int16", "i2", "INT16"},
    {4, "int32", "i4", "INT32"},
    {8, "int64", "i8", "INT64"},
    {0, "string", "", "BYTES"},
    {1, "bool", "b1", "BOOL"},
    {2, "float16", "f2", "FP16"},
    {8, "double", "f8", "FP64"},
    {4, "uint32", "u4", "UINT32"},
    {8, "uint64", "u8", "UINT64"},
    {0, "complex64", "", ""},
    {0, "complex128", "", ""},
    {2, "bfloat16", "", "BF16"},
}};

const Row& row(DType type) {
  const auto index = static_cast<std::size_t>(type);
  return kRows[index < kRows.size() ? index : 0];
}

}  // namespace

std::size_t size_of(DType type) { return row(type).size; }
std::string_view name_of(DType type) { return row(type).name; }
std::string_view numpy_name_of(DType type) { return row(type).numpy; }
std::string_view oip_name_of(DType type) { return row(type).oip; }
bool is_float(DType type) { return (kFloats & mask_of(type)) != 0; }

}  // namespace adze
