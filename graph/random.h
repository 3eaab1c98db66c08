// Random numbers for operators, the same ones as NumPy's RandomState(seed) gives: a Mersenne twister (MT19937,
// Matsumoto and Nishimura), whose draws become doubles and normal numbers as NumPy makes them. ONNX fixes no generator;
// its reference evaluator uses this one.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>

#include "graph/core/result.h"
#include "graph/graph.h"

namespace adze {

class RandomState {
 public:
  explicit RandomState(std::uint32_t seed) : engine_(seed) {}

  double uniform();         // 0 <= u < 1
  double normal();          // mean 0, variance 1
  bool binomial(double p);  // one trial. REQUIRES: 0 <= p <= 1

 private:
  std::mt19937 engine_;
  double spare_ = 0;  // normal numbers come in pairs
  bool has_spare_ = false;
};

// What each run of a step seeds its RandomState with: always the seed that the node gives, so that a run repeats; or
// else a new one each time, counted on from the machine's entropy. Sessions on other threads may share it.
class Seeds {
 public:
  // Reads the attribute "seed", a real or an integer; not a number counts as absent.
  explicit Seeds(const Node& node);

  std::uint32_t next() { return fixed_ ? seed_.load() : seed_.fetch_add(1); }

 private:
  bool fixed_;
  std::atomic<std::uint32_t> seed_;
};

// For OpDef::check: whether the seed, if there is one, is a number that an integer can hold.
Result<void> check_seed(const Node& node);

}  // namespace adze
