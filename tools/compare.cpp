#include "tools/compare.h"

#include <cmath>

#include "graph/elements.h"

namespace adze {
namespace {

template <class T>
bool close(T expected, T actual, const Tolerance& tolerance) {
  if constexpr (std::is_integral_v<T>) {
    return expected == actual;
  } else {
    const auto e = static_cast<double>(expected), a = static_cast<double>(actual);
    if (std::isnan(e) || std::isnan(a)) return std::isnan(e) && std::isnan(a);
    if (std::isinf(e) || std::isinf(a)) return e == a;
    return std::fabs(e - a) <= tolerance.absolute + tolerance.relative * std::fabs(e);
  }
}

// The tolerance is meant for f32. A chain of operators in a 16-bit type rounds after each: two units of the last place.
Tolerance tolerance_of(DType type, Tolerance tolerance) {
  const double ulp = type == DType::f16 ? 0x1p-9 : type == DType::bf16 ? 0x1p-6 : 0;
  tolerance.relative = std::max(tolerance.relative, ulp);
  return tolerance;
}

}  // namespace

Result<void> compare_kind(const Tensor& expected, const TensorInfo& info) {
  if (expected.type() != info.type) {
    return make_error(Code::mismatch, "type is ", name_of(info.type), ", expected ", name_of(expected.type()));
  }
  if (!(expected.shape() == info.shape)) {
    return make_error(Code::mismatch, "shape is ", to_string(info.shape), ", expected ", to_string(expected.shape()));
  }
  return {};
}

Result<void> compare(const Tensor& expected, const TensorInfo& info, std::span<const std::byte> actual,
                     const Tolerance& for_f32) {
  ADZE_CHECK(compare_kind(expected, info));
  const Tolerance tolerance = tolerance_of(info.type, for_f32);
  return with_reader(info.type, [&](auto read) -> Result<void> {
    for (std::int64_t i = 0; i < info.elements(); i++) {
      const auto want = read(expected.raw(), i), got = read(actual.data(), i);
      if (!close(want, got, tolerance)) {
        return make_error(Code::mismatch, "element ", i, " is ", static_cast<double>(got), ", expected ",
                          static_cast<double>(want));
      }
    }
    return {};
  });
}

}  // namespace adze
