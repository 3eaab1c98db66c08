// The shape that all elementwise operators share: result type and shape from broadcasting, work cut by elements.
#pragma once

#include <algorithm>

#include "graph/broadcast.h"
#include "graph/op.h"

namespace adze {

// Below this many elements a thread of its own costs more than it saves.
constexpr std::int64_t kElementGrain = 4096;

inline int elementwise_parts(std::int64_t elements) {
  return static_cast<int>(std::clamp<std::int64_t>(elements / kElementGrain, 1, 256));
}

// infer of unary operators: output 0 has input 0's shape.
Result<void> infer_same_shape(InferContext& context);
// infer of operators that broadcast all inputs against each other, by the node's legacy attributes before opset 7.
Result<void> infer_broadcast(InferContext& context);

// lanes of all operators whose inputs broadcast against each other.
Result<Lanes> lanes_elementwise(const InferContext& context);

// The inputs' shapes as modern broadcasting needs them. REQUIRES: infer_broadcast succeeded.
std::vector<Shape> broadcast_operands(const PrepareContext& context);

// dst[i] = f(a[i], b[i]) over a stretch of the broadcast result, one element at a time.
template <class A, class B, class R, class F>
void zip(const BroadcastLoop& loop, Range elements, const A* a, const B* b, R* dst, F f) {
  const int a_step = loop.step(0), b_step = loop.step(1);
  loop.for_stretches(elements, [&](std::int64_t first, std::int64_t n, const auto& offsets) {
    const A* x = a + offsets[0];
    const B* y = b + offsets[1];
    for (std::int64_t i = 0; i < n; i++) dst[first + i] = static_cast<R>(f(x[i * a_step], y[i * b_step]));
  });
}

// The type in which an element is computed: 16-bit floats in float, everything else as it is.
template <class T>
using Compute = std::conditional_t<std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>, float, T>;

// Runs f over 16-bit floats through float, in blocks: f(src, dst, n) on float arrays, dst may be src.
template <class Half, class F>
void through_float(const Half* src, Half* dst, std::int64_t n, F f) {
  constexpr std::int64_t kBlockSize = 512;
  float block[kBlockSize];
  for (std::int64_t i = 0; i < n; i += kBlockSize) {
    const std::int64_t count = std::min(kBlockSize, n - i);
    for (std::int64_t j = 0; j < count; j++) block[j] = static_cast<float>(src[i + j]);
    f(block, block, count);
    for (std::int64_t j = 0; j < count; j++) dst[i + j] = static_cast<Half>(block[j]);
  }
}

}  // namespace adze
