#include "graph/random.h"

#include <cmath>

namespace adze {

// 53 bits from two draws.
double RandomState::uniform() {
  const auto high = static_cast<double>(engine_() >> 5), low = static_cast<double>(engine_() >> 6);
  return (high * 0x1p26 + low) * 0x1p-53;
}

// Marsaglia's polar method.
double RandomState::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double x = 0, y = 0, square = 0;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  spare_ = factor * x;
  has_spare_ = true;
  return factor * y;
}

// NumPy inverts the distribution of the rarer result.
bool RandomState::binomial(double p) {
  const double u = uniform();
  return p <= 0.5 ? u > 1 - p : u <= p;
}

namespace {

const Attribute* given_seed(const Node& node) {
  const Attribute* seed = node.attributes.find("seed");
  const float* real = seed ? std::get_if<float>(seed) : nullptr;
  return real && std::isnan(*real) ? nullptr : seed;
}

std::uint32_t first_seed(const Node& node) {
  const Attribute* seed = given_seed(node);
  if (!seed) return std::random_device()();
  const float* real = std::get_if<float>(seed);
  return static_cast<std::uint32_t>(real ? static_cast<std::int64_t>(*real) : std::get<std::int64_t>(*seed));
}

}  // namespace

Seeds::Seeds(const Node& node) : fixed_(given_seed(node) != nullptr), seed_(first_seed(node)) {}

Result<void> check_seed(const Node& node) {
  const Attribute* seed = given_seed(node);
  const float* real = seed ? std::get_if<float>(seed) : nullptr;
  if (!real || std::abs(*real) < 0x1p63f) return {};
  return make_error(Code::invalid_model, "its seed ", *real, " is out of range");
}

}  // namespace adze
