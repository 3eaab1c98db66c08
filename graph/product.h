// Matrix products behind Gemm and MatMul: a packed one in f32, and a plain one for every other type and form.
#pragma once

#include <type_traits>

#include "graph/op.h"
#include "kernels/gemm/gemm.h"

namespace adze {

// y[m, n] = alpha a'[m, k] b'[k, n] + beta c[m, n], where a' and b' may be stored transposed.
struct Product {
  std::int64_t m = 0, n = 0, k = 0;
  bool trans_a = false, trans_b = false;
  float alpha = 1, beta = 1;

  double flops() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
};

// Input 0 times the constant input 1, plus the constant row `bias` (an input of n or 1 elements) where it is >= 0.
// Honours the node's activation and residual. REQUIRES: f32, !trans_a, inputs 1 and bias constant.
Result<Step> packed_product(PrepareContext& context, const Product& p, int bias);

// Where c's element (i, j) lies; strides are 0 where it is broadcast.
struct Addend {
  std::int64_t row = 0, column = 0;
};

// The product of two matrices of these shapes, by the node's attributes transA, transB, alpha and beta.
Result<Product> product_of(const Node& node, const Shape& a, const Shape& b);
Result<Addend> addend_of(const Shape& c, const Product& p);

// One dot product after the other, over rows of y. Floats add in float (double in double), integers wrap.
template <class T>
void plain_product(const Product& p, const T* a, const T* b, const T* c, Addend addend, T* y, Range rows) {
  using Sum =
      std::conditional_t<std::is_integral_v<T>, T, std::conditional_t<std::is_same_v<T, double>, double, float>>;
  // Unsigned arithmetic wraps where signed would be undefined.
  using Wrap = typename std::conditional_t<std::is_integral_v<Sum> && !std::is_same_v<Sum, bool>,
                                           std::make_unsigned<Sum>, std::type_identity<Sum>>::type;
  for (std::int64_t i = rows.begin; i < rows.end; i++) {
    for (std::int64_t j = 0; j < p.n; j++) {
      Wrap sum = 0;
      for (std::int64_t k = 0; k < p.k; k++) {
        const auto x = static_cast<Wrap>(static_cast<Sum>(a[p.trans_a ? k * p.m + i : i * p.k + k]));
        const auto w = static_cast<Wrap>(static_cast<Sum>(b[p.trans_b ? j * p.k + k : k * p.n + j]));
        sum = static_cast<Wrap>(sum + static_cast<Wrap>(x * w));
      }
      const T* add = c ? c + i * addend.row + j * addend.column : nullptr;
      if constexpr (std::is_integral_v<T>) {
        if (p.alpha != 1)
          sum = static_cast<Wrap>(
              static_cast<Sum>(static_cast<double>(p.alpha) * static_cast<double>(static_cast<Sum>(sum))));
        if (add)
          sum = static_cast<Wrap>(
              sum + static_cast<Wrap>(
                        p.beta == 1 ? *add : static_cast<T>(static_cast<double>(p.beta) * static_cast<double>(*add))));
      } else {
        if (p.alpha != 1) sum = static_cast<Sum>(p.alpha) * sum;
        if (add) sum += static_cast<Sum>(p.beta) * static_cast<Sum>(*add);
      }
      y[i * p.n + j] = static_cast<T>(static_cast<Sum>(sum));
    }
  }
}

}  // namespace adze
