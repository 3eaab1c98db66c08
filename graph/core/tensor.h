// Tensor: an immutable constant or a caller's array on the host. Copies share the bytes.
//
// A deferred tensor's bytes are made when they are first asked for: read from a file, or derived from another tensor.
// They live as long as any of the copies; released() is a copy that shares how they are made but not the bytes.
#pragma once

#include <cstddef>
#include <functional>
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

  // Writes all bytes of a tensor, or says why it can't.
  using Make = std::function<Result<void>(std::span<std::byte>)>;
  // REQUIRES: shape.elements() * size_of(type) doesn't overflow; `make` may be called by any thread.
  static Tensor deferred(DType type, const Shape& shape, Make make);
  bool is_deferred() const { return deferred_ != nullptr; }
  // Of a deferred tensor whose bytes were asked for: the error if they could not be made. Then they are zeros, so who
  // has used them must look here before he gives a result away.
  Result<void> status() const;
  // The same tensor; if it is deferred, with none of its bytes in memory.
  Tensor released() const;
  // The same tensor, not deferred.
  Result<Tensor> resident() const;

  DType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * size_of(type_); }
  const std::byte* raw() const { return deferred_ ? deferred_bytes() : data_.get(); }
  // REQUIRES: dtype_of<T> == type()
  template <class T>
  std::span<const T> as() const {
    ADZE_ASSERT(dtype_of<T> == type_);
    return {reinterpret_cast<const T*>(raw()), static_cast<std::size_t>(elements())};
  }
  // Same bytes, other shape. REQUIRES: equal number of elements.
  Tensor reshaped(const Shape& shape) const {
    Tensor result = *this;
    result.shape_ = shape;
    return result;
  }
  // The values of an int32 or int64 tensor. REQUIRES: one of these types.
  std::vector<std::int64_t> to_ints() const;

 private:
  class Deferred;
  const std::byte* deferred_bytes() const;

  DType type_ = DType::undefined;
  Shape shape_;
  std::shared_ptr<const std::byte> data_;
  std::shared_ptr<Deferred> deferred_;  // in place of data_
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
