#include "graph/fourier.h"

#include <numbers>

namespace adze {
namespace {

using Line = std::vector<std::complex<double>>;

Line by_halving(const Line& x, const Line& roots, std::size_t step) {
  const std::size_t n = x.size();
  if (n == 1) return x;
  Line even(n / 2), odd(n / 2), y(n);
  for (std::size_t i = 0; i < n / 2; i++) even[i] = x[2 * i], odd[i] = x[2 * i + 1];
  even = by_halving(even, roots, 2 * step);
  odd = by_halving(odd, roots, 2 * step);
  for (std::size_t k = 0; k < n / 2; k++) {
    const auto turned = roots[k * step] * odd[k];
    y[k] = even[k] + turned;
    y[k + n / 2] = even[k] - turned;
  }
  return y;
}

}  // namespace

Line fourier(const Line& x, bool inverse) {
  const std::size_t n = x.size();
  Line roots(n);
  for (std::size_t k = 0; k < n; k++) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
    roots[k] = std::polar(1.0, inverse ? angle : -angle);
  }
  if (n > 0 && (n & (n - 1)) == 0) return by_halving(x, roots, 1);
  Line y(n);
  for (std::size_t k = 0; k < n; k++) {
    for (std::size_t t = 0; t < n; t++) y[k] += x[t] * roots[k * t % n];
  }
  return y;
}

}  // namespace adze
