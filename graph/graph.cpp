#include "graph/graph.h"

namespace adze {

ValueId Graph::add_value(std::string value_name, DType type) {
  values.push_back({std::move(value_name), type, std::nullopt, 0});
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor, std::uint64_t constant_id) {
  const DType type = tensor.type();
  values.push_back({std::move(value_name), type, std::move(tensor), constant_id});
  return static_cast<ValueId>(values.size() - 1);
}

}  // namespace adze
