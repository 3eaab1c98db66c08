// The discrete Fourier transform of one line, in double.
#pragma once

#include <complex>
#include <vector>

namespace adze {

// y[k] = sum_t x[t] exp(-+2 pi i k t / n), + when inverse, and not divided by n. Powers of two by halving (Cooley and
// Tukey), other lengths by the sum itself.
std::vector<std::complex<double>> fourier(const std::vector<std::complex<double>>& x, bool inverse);

}  // namespace adze
