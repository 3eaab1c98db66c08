#include "tools/compare.h"

#include <cmath>

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
    // The tolerance is meant for f32. A chain of operators in a 16-bit type rounds after each: two units of the last
    // place.
    const double ulp = std::is_same_v<T, Float16> ? 0x1p-9 : std::is_same_v<T, BFloat16> ? 0x1p-6 : 0;
    return std::fabs(e - a) <= tolerance.absolute + std::max(tolerance.relative, ulp) * std::fabs(e);
  }
}

}  // namespace

Result<void> compare(const Tensor& expected, const TensorInfo& info, std::span<const std::byte> actual,
                     const Tolerance& tolerance) {
  if (expected.type() != info.type) {
    return make_error(Code::mismatch, "type is ", name_of(info.type), ", expected ", name_of(expected.type()));
  }
  if (!(expected.shape() == info.shape)) {
    return make_error(Code::mismatch, "shape is ", to_string(info.shape), ", expected ", to_string(expected.shape()));
  }
  return dispatch(info.type, [&](auto tag) -> Result<void> {
    using T = typename decltype(tag)::type;
    const auto want = expected.as<T>();
    const auto* got = reinterpret_cast<const T*>(actual.data());
    for (std::size_t i = 0; i < want.size(); i++) {
      if (!close(want[i], got[i], tolerance)) {
        return make_error(Code::mismatch, "element ", i, " is ", static_cast<double>(got[i]), ", expected ",
                          static_cast<double>(want[i]));
      }
    }
    return {};
  });
}

}  // namespace adze
