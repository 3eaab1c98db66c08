// Tensors for tests, and what is asked of them most.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "graph/core/tensor.h"
#include "tests/support/random.h"

namespace adze::testing {

inline Tensor random_tensor(const Shape& shape, std::uint64_t seed, float low = -1, float high = 1) {
  auto made = Tensor::allocate(DType::f32, shape);
  Random random(seed);
  random.fill({made.as<float>(), static_cast<std::size_t>(shape.elements())}, low, high);
  return made.tensor;
}

template <class T>
Tensor tensor_of(const Shape& shape, std::initializer_list<T> values) {
  return Tensor::from<T>(shape, {values.begin(), values.size()});
}

// The same numbers in another type.
template <class T>
Tensor cast_to(const Tensor& tensor) {
  auto made = Tensor::allocate(dtype_of<T>, tensor.shape());
  for (std::size_t i = 0; i < tensor.as<float>().size(); i++)
    made.template as<T>()[i] = static_cast<T>(tensor.as<float>()[i]);
  return made.tensor;
}

template <class T>
std::vector<T> values(const Tensor& tensor) {
  EXPECT_EQ(tensor.type(), dtype_of<T>);
  if (tensor.type() != dtype_of<T>) return {};
  const auto span = tensor.as<T>();
  return {span.begin(), span.end()};
}

inline void expect_values(const Tensor& got, const Shape& shape, const std::vector<float>& want,
                          float tolerance = 1e-6f) {
  ASSERT_EQ(to_string(got.shape()), to_string(shape));
  ASSERT_EQ(got.type(), DType::f32);
  for (std::size_t i = 0; i < want.size(); i++) ASSERT_NEAR(got.as<float>()[i], want[i], tolerance) << "element " << i;
}

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace adze::testing
