#include "graph/core/tensor.h"

#include <new>

namespace adze {

Tensor::Writable Tensor::allocate(DType type, const Shape& shape) {
  constexpr std::align_val_t kAlignment{64};
  const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * size_of(type);
  auto* memory = static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment));
  std::fill_n(memory, bytes, std::byte{0});
  std::shared_ptr<std::byte> owner(memory, [](std::byte* p) { ::operator delete(p, kAlignment); });
  return {Tensor(type, shape, std::move(owner)), {memory, bytes}};
}

Tensor Tensor::from_ints(std::span<const std::int64_t> values) {
  return from<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

std::vector<std::int64_t> Tensor::to_ints() const {
  if (type_ == DType::i32) {
    const auto values = as<std::int32_t>();
    return {values.begin(), values.end()};
  }
  const auto values = as<std::int64_t>();
  return {values.begin(), values.end()};
}

}  // namespace adze
