// Elementwise operators that are rare in models: each element goes through one scalar function in double, whatever its
// type. What models use often has vector kernels (kernels/eltwise).
#pragma once

#include "graph/elementwise.h"

namespace adze {

// x is the element; a and b are the operator's parameters.
using ScalarFn = double (*)(double x, double a, double b);

// The step of output 0 = f(input 0), of the same number type.
Step scalar_map(const PrepareContext& context, ScalarFn f, double a = 0, double b = 0);

}  // namespace adze
