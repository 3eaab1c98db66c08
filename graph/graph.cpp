#include "graph/graph.h"

namespace adze {

ValueId Graph::add_value(std::string value_name, DType type) {
  values.push_back({std::move(value_name), type, std::nullopt});
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  const DType type = tensor.type();
  values.push_back({std::move(value_name), type, std::move(tensor)});
  return static_cast<ValueId>(values.size() - 1);
}

}  // namespace adze
