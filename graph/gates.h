// What recurrent operators share: their directions, the functions of their gates, and LSTM's step from gates to state.
#pragma once

#include <algorithm>
#include <vector>

#include "graph/op.h"

namespace adze {

struct GateFunction {
  double (*f)(double x, double a, double b) = nullptr;
  double a = 0, b = 0;
  double operator()(double x) const { return f(x, a, b); }
};

// By attribute "direction": 1 or 2; 0 where it is no direction.
int directions_of(const Node& node);
// By "activations", "activation_alpha" and "activation_beta": `each` functions per direction, in the order f, g, h.
Result<std::vector<GateFunction>> gate_functions(const Node& node, int each);
// OpDef::check of an operator with `each` functions per direction.
Result<void> check_gates(const Node& node, int each);

// LSTM in one direction.
struct LstmCell {
  const GateFunction* functions;  // f, g, h
  double clip;                    // of what goes into f and g; 0: none
  bool coupled;                   // the forget gate is what the input gate leaves
  std::int64_t size;

  // gates: the sums of products and biases, [4, size] in the order i o f c. peephole(i) is the weight i of [3, size] in
  // the order i o f. c and h become the next state.
  template <class Peephole>
  void step(const double* gates, Peephole peephole, double* c, double* h) const {
    for (std::int64_t j = 0; j < size; j++) {
      const double in = gate(0, gates[j] + peephole(j) * c[j]);
      const double forget = coupled ? 1 - in : gate(0, gates[2 * size + j] + peephole(2 * size + j) * c[j]);
      const double next = forget * c[j] + in * gate(1, gates[3 * size + j]);
      const double out = gate(0, gates[size + j] + peephole(size + j) * next);
      c[j] = next;
      h[j] = out * functions[2](next);
    }
  }

 private:
  double gate(int which, double x) const { return functions[which](clip > 0 ? std::clamp(x, -clip, clip) : x); }
};

}  // namespace adze
