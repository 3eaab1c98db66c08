// Tensor: an immutable constant or a caller's array on the host. Copies share the bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "graph/core/dtype.h"
#include "graph/core/result.h"
#include "graph/core/shape.h"

namespace adze {

class Tensor {
 public:
  Tensor() = default;
  // `data` holds shape.elements() * size_of(type) bytes, row-major, in the host's byte order.
  Tensor(DType type, const Shape& shape, std::shared_ptr<const std::byte> data)
      : type_(type), shape_(shape), data_(std::move(data)) {}

  // Zeroed storage, written through `bytes` before the tensor is shared.
  struct Writable;
  static Writable allocate(DType type, const Shape& shape);
  template <class T>
  static Tensor from(const Shape& shape, std::span<const T> values);
  static Tensor from_ints(std::span<const std::int64_t> values);  // rank 1

  DType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * size_of(type_); }
  const std::byte* raw() const { return data_.get(); }
  const std::shared_ptr<const std::byte>& storage() const { return data_; }
  // REQUIRES: dtype_of<T> == type()
  template <class T>
  std::span<const T> as() const {
    ADZE_ASSERT(dtype_of<T> == type_);
    return {reinterpret_cast<const T*>(data_.get()), static_cast<std::size_t>(elements())};
  }
  // Same bytes, other shape. REQUIRES: equal number of elements.
  Tensor reshaped(const Shape& shape) const { return Tensor(type_, shape, data_); }
  // The values of an int32 or int64 tensor. REQUIRES: one of these types.
  std::vector<std::int64_t> to_ints() const;

 private:
  DType type_ = DType::undefined;
  Shape shape_;
  std::shared_ptr<const std::byte> data_;
};

struct Tensor::Writable {
  Tensor tensor;
  std::span<std::byte> bytes;
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes.data());
  }
};

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  Writable made = allocate(dtype_of<T>, shape);
  ADZE_ASSERT(values.size_bytes() == made.bytes.size());
  std::copy(values.begin(), values.end(), made.as<T>());
  return made.tensor;
}

}  // namespace adze
