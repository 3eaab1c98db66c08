#include "graph/gates.h"

#include <cmath>

namespace adze {
namespace {

struct Function {
  std::string_view name;
  double (*f)(double x, double a, double b);
  int parameters;
  double a, b;  // defaults
};
constexpr Function kFunctions[] = {
    {"Tanh", [](double x, double, double) { return std::tanh(x); }, 0, 0, 0},
    {"Sigmoid", [](double x, double, double) { return 1 / (1 + std::exp(-x)); }, 0, 0, 0},
    {"Relu", [](double x, double, double) { return std::max(x, 0.0); }, 0, 0, 0},
    {"Affine", [](double x, double a, double b) { return a * x + b; }, 2, 1, 0},
    {"LeakyRelu", [](double x, double a, double) { return x < 0 ? a * x : x; }, 1, 0.01, 0},
    {"ThresholdedRelu", [](double x, double a, double) { return x > a ? x : 0; }, 1, 1, 0},
    {"ScaledTanh", [](double x, double a, double b) { return a * std::tanh(b * x); }, 2, 1, 1},
    {"HardSigmoid", [](double x, double a, double b) { return std::clamp(a * x + b, 0.0, 1.0); }, 2, 0.2, 0.5},
    {"Elu", [](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 1, 1, 0},
    {"Softsign", [](double x, double, double) { return x / (1 + std::fabs(x)); }, 0, 0, 0},
    {"Softplus",
     [](double x, double, double) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, 0, 0, 0}};

}  // namespace

int directions_of(const Node& node) {
  const std::string direction = node.attributes.string("direction", "forward");
  return direction == "bidirectional" ? 2 : direction == "forward" || direction == "reverse" ? 1 : 0;
}

// Names and parameters come in the order of directions; a function takes as many parameters as it has.
Result<std::vector<GateFunction>> gate_functions(const Node& node, int each) {
  const int directions = directions_of(node);
  std::vector<std::string> names;
  if (const Attribute* given = node.attributes.find("activations")) names = std::get<std::vector<std::string>>(*given);
  if (names.empty()) {
    for (int d = 0; d < directions; d++) {
      if (each > 1) names.emplace_back("Sigmoid");
      for (int i = each > 1 ? 1 : 0; i < each; i++) names.emplace_back("Tanh");
    }
  }
  if (static_cast<int>(names.size()) != directions * each) {
    return make_error(Code::invalid_model, "attribute \"activations\" has ", names.size(), " entries, not ",
                      directions * each);
  }
  const auto alpha = node.attributes.reals("activation_alpha"), beta = node.attributes.reals("activation_beta");
  std::size_t next_alpha = 0, next_beta = 0;
  std::vector<GateFunction> result;
  for (const std::string& name : names) {
    const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const Function& f) {
      return std::equal(f.name.begin(), f.name.end(), name.begin(), name.end(),
                        [](char x, char y) { return (x | 0x20) == (y | 0x20); });
    });
    if (found == std::end(kFunctions)) return make_error(Code::unsupported, "activation \"", name, "\" is not known");
    GateFunction a{found->f, found->a, found->b};
    if (found->parameters > 0 && next_alpha < alpha.size()) a.a = static_cast<double>(alpha[next_alpha++]);
    if (found->parameters > 1 && next_beta < beta.size()) a.b = static_cast<double>(beta[next_beta++]);
    result.push_back(a);
  }
  return result;
}

Result<void> check_gates(const Node& node, int each) {
  if (directions_of(node) == 0) {
    return make_error(Code::invalid_model, "attribute \"direction\" is \"", node.attributes.string("direction", ""),
                      '"');
  }
  ADZE_CHECK(gate_functions(node, each));
  return {};
}

}  // namespace adze
