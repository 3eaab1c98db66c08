#include "graph/symbols.h"

#include <unordered_map>

namespace adze {

Result<void> check_symbols(const Graph& graph, std::span<const InputShape> inputs) {
  ADZE_ASSERT(inputs.size() == graph.inputs.size());
  struct Seen {
    ValueId input;
    std::int64_t size;
  };
  std::unordered_map<std::string_view, Seen> seen;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const Port& port = graph.inputs[i];
    const Shape& shape = inputs[i].shape;
    if (!port.dims || static_cast<int>(port.dims->size()) != shape.rank()) continue;
    for (int axis = 0; axis < shape.rank(); axis++) {
      const Dim& dim = (*port.dims)[static_cast<std::size_t>(axis)];
      if (dim.size >= 0 || dim.symbol.empty()) continue;
      const auto [first, is_new] = seen.try_emplace(dim.symbol, Seen{port.value, shape[axis]});
      if (is_new || first->second.size == shape[axis]) continue;
      return make_error(Code::bad_input, "input \"", graph[port.value].name, "\" has ", shape[axis],
                        " for dimension \"", dim.symbol, "\", but input \"", graph[first->second.input].name, "\" has ",
                        first->second.size);
    }
  }
  return {};
}

}  // namespace adze
