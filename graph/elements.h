// Reading elements of any stored type, the narrow ones included.
#pragma once

#include "graph/core/narrow.h"
#include "graph/elementwise.h"

namespace adze {

// Element i of an array, in the type that it is computed in.
template <class T>
struct ElementReader {
  Compute<T> operator()(const std::byte* data, std::int64_t i) const {
    return static_cast<Compute<T>>(reinterpret_cast<const T*>(data)[i]);
  }
};
struct NarrowFloatReader {
  const std::array<float, 256>& values;
  float operator()(const std::byte* data, std::int64_t i) const { return values[static_cast<std::uint8_t>(data[i])]; }
};

// Calls f with the reader of `type`: one instance of f per type of kAnyType, and one more for all narrow floats.
// REQUIRES: kStored contains type.
template <class F>
decltype(auto) with_reader(DType type, F&& f) {
  if (is_narrow_float(type)) return f(NarrowFloatReader{values_of(type)});
  return dispatch(carrier_of(type), [&]<class T>(TypeTag<T>) -> decltype(auto) { return f(ElementReader<T>{}); });
}

}  // namespace adze
