// Quantised integers: a code stands for (code - zero point) scale. Rounding is to nearest, ties to even; what is out of
// range saturates.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "graph/core/narrow.h"
#include "graph/op.h"

namespace adze {

struct CodeLimits {
  double least, most;
};
// T is the carrier of `type`.
template <class T>
CodeLimits limits_of(DType type) {
  if (is_narrow_int(type)) return {static_cast<double>(range_of(type).least), static_cast<double>(range_of(type).most)};
  return {static_cast<double>(std::numeric_limits<T>::lowest()), static_cast<double>(std::numeric_limits<T>::max())};
}

// The code of x scales; 0 for NaN, which has none.
template <class T>
T nearest_code(double x, double zero_point, CodeLimits limits) {
  return std::isnan(x) ? T{0} : static_cast<T>(std::clamp(std::nearbyint(x) + zero_point, limits.least, limits.most));
}

constexpr TypeMask kCodeBytes = types(DType::u8, DType::i8);

// Which inputs hold the one scale and zero point of an 8-bit tensor.
struct ByteCodes {
  DType type = DType::u8;
  int scale = 0, zero = -1;  // zero -1: the point is 0
};

// Checks those inputs; `zero` may be left out.
template <class Context>
Result<ByteCodes> byte_codes(const Context& context, DType type, int scale, int zero) {
  const auto is_one = [&](int i) { return context.in(i).shape.rank() <= 1 && context.in(i).elements() == 1; };
  if (!context.has(scale)) return make_error(Code::invalid_model, "input ", scale, ", a scale, is left out");
  if (context.in(scale).type != DType::f32 || !(mask_of(type) & kCodeBytes)) {
    return make_error(Code::invalid_model, "codes of type ", name_of(type), " with a scale of type ",
                      name_of(context.in(scale).type), " in input ", scale);
  }
  if (!is_one(scale)) return make_error(Code::invalid_model, "input ", scale, ", a scale, is no scalar");
  if (!context.has(zero)) return ByteCodes{type, scale, -1};
  if (!is_one(zero)) return make_error(Code::invalid_model, "input ", zero, ", a zero point, is no scalar");
  if (context.in(zero).type != type) {
    return make_error(Code::invalid_model, "input ", zero, ", a zero point, is of type ",
                      name_of(context.in(zero).type), ", its tensor of ", name_of(type));
  }
  return ByteCodes{type, scale, zero};
}

// The same while a step runs. Codes are bytes whose sign the type decides.
class ByteScale {
 public:
  ByteScale(const ByteCodes& codes, const Call& call)
      : signed_(codes.type == DType::i8),
        scale_(*call.in<float>(codes.scale)),
        zero_(codes.zero < 0 ? 0 : integer(*call.in<std::uint8_t>(codes.zero))) {}

  float scale() const { return scale_; }
  // In scales.
  int steps(std::uint8_t code) const { return integer(code) - zero_; }
  float value(std::uint8_t code) const { return static_cast<float>(steps(code)) * scale_; }
  std::uint8_t code(float x) const { return code_of_steps(x / scale_); }
  std::uint8_t code_of_steps(float steps) const {
    const auto x = static_cast<double>(steps);
    if (!signed_) return nearest_code<std::uint8_t>(x, zero_, {0, 255});
    return std::bit_cast<std::uint8_t>(nearest_code<std::int8_t>(x, zero_, {-128, 127}));
  }

 private:
  int integer(std::uint8_t code) const { return signed_ ? std::bit_cast<std::int8_t>(code) : code; }

  bool signed_;
  float scale_;
  int zero_;
};

// f(x) under `to` for every code of x under `from`.
template <class F>
std::array<std::uint8_t, 256> code_table(const ByteScale& from, const ByteScale& to, F f) {
  std::array<std::uint8_t, 256> table;
  for (std::size_t code = 0; code < table.size(); code++) {
    table[code] = to.code(f(from.value(static_cast<std::uint8_t>(code))));
  }
  return table;
}

}  // namespace adze
