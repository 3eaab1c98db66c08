// Circular and hyperbolic functions and their inverses.
#include <cmath>

#include "graph/scalar_map.h"

namespace adze {
namespace {

struct Name {
  std::string_view name;
  ScalarFn f;
};
constexpr Name kNames[] = {{"Sin", [](double x, double, double) { return std::sin(x); }},
                           {"Cos", [](double x, double, double) { return std::cos(x); }},
                           {"Tan", [](double x, double, double) { return std::tan(x); }},
                           {"Asin", [](double x, double, double) { return std::asin(x); }},
                           {"Acos", [](double x, double, double) { return std::acos(x); }},
                           {"Atan", [](double x, double, double) { return std::atan(x); }},
                           {"Sinh", [](double x, double, double) { return std::sinh(x); }},
                           {"Cosh", [](double x, double, double) { return std::cosh(x); }},
                           {"Asinh", [](double x, double, double) { return std::asinh(x); }},
                           {"Acosh", [](double x, double, double) { return std::acosh(x); }},
                           {"Atanh", [](double x, double, double) { return std::atanh(x); }}};

Result<Step> prepare(PrepareContext& context) {
  ScalarFn f = nullptr;
  for (const auto& entry : kNames) {
    if (entry.name == context.node.op->name) f = entry.f;
  }
  return scalar_map(context, f);
}

constexpr int kFrom7[] = {7, 22}, kFrom9[] = {9, 22};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef op(std::string_view name, std::span<const int> versions) {
  return {.name = name,
          .versions = versions,
          .input_types = kTypes,
          .infer = infer_same_shape,
          .prepare = prepare,
          .lanes = lanes_elementwise,
          .layout = LayoutRule::transparent};
}
constexpr OpDef kOps[] = {op("Sin", kFrom7),   op("Cos", kFrom7),   op("Tan", kFrom7),  op("Asin", kFrom7),
                          op("Acos", kFrom7),  op("Atan", kFrom7),  op("Sinh", kFrom9), op("Cosh", kFrom9),
                          op("Asinh", kFrom9), op("Acosh", kFrom9), op("Atanh", kFrom9)};

}  // namespace
extern const std::span<const OpDef> ops_trigonometry;
constinit const std::span<const OpDef> ops_trigonometry{kOps};

}  // namespace adze
